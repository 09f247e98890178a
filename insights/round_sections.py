"""The sections of the page of a project's rounds: each a sentence that says what is counted, a chart and its tables."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_noop

from insights import charts
from insights.explanations import known
from insights.phrases import OFTEN, TIMES, WORDS
from insights.report_types import TOO_MANY_CUT, Share
from insights.round_tables import GUESSED, MADE_UP, REFUSED, TABLES, VERBOSE
from insights.round_types import RoundsData, VersionRow
from insights.sections import Section
from insights.table_output import Shown, shown
from insights.tables import span


def sections(report: RoundsData) -> list[Section]:
    return [
        _duels(report),
        _rewards(report),
        _lengths(report),
        _judges(report),
        _rates(report),
        _flagged(report, gettext_noop("Made-up answers"), MADE_UP[0], "made-up",
                 "An answer counts when a person who ranked it gave it this flag: nothing here checks facts."),
        _flagged(report, gettext_noop("Verbosity"), VERBOSE[0], "verbosity",
                 "How often people called an answer too long, beside how long answers are."),
        _phrases(report),
        _flagged(report, gettext_noop("Guessing instead of asking"), GUESSED[0], "guessing",
                 "How often people missed a question back, beside how often answers end with one."),
        _flagged(report, gettext_noop("Needless refusals"), REFUSED[0], "refusals",
                 "How often people called a refusal needless, beside how often answers begin with a refusal in English "
                 "(“I'm sorry, but I …”)."),
        _rephrasing(report),
    ]  # fmt: skip


def _tables(report: RoundsData, *names: str) -> list[Shown]:
    found = [shown(TABLES[name](report), name) for name in names]
    return [table for table in found if table.body]


def _label(row: VersionRow) -> str:
    return row["model"] if row["round"] is None else f"{row['model']}, round {row['round']}"


Bars = list[tuple[str, float | None, float | None, float | None]]


def _bars(report: RoundsData, of: Callable[[VersionRow], Share | None]) -> Bars:
    return [(_label(row), *span(of(row))) for row in report["versions"]]


def _duels(report: RoundsData) -> Section:
    rows: Bars = [(f"round {row['round']}", *span(row["duel"])) for row in report["rounds"]]
    better = worse = open_ = 0
    for row in report["rounds"]:
        found = known(row["duel"]) if row["duel"] else None
        better += found is not None and found.low > 0.5
        worse += found is not None and found.high < 0.5
        open_ += found is not None and found.low <= 0.5 <= found.high
    told = (
        f"Rounds in which people preferred the newest model version: {better}; the one before: {worse}; in which the "
        f"interval holds one half, so that nothing is said: {open_}."
        if better or worse or open_
        else "No round has pairs of its newest model version and the one before. Open a round that mixes both."
    )
    chart = charts.intervals("Share won by the newest model version", rows, guide=0.5)
    return Section(gettext_noop("New against old"), told, chart, _tables(report, "new-against-old"))


def _rewards(report: RoundsData) -> Section:
    people = {row["round"]: row["people"] for row in report["rounds"]}
    rows: Bars = []
    for row in report["rewards"]:
        rows.append((f"{row['model']}, round {row['round'] or '–'}", *span(row["agreement"])))
        if row["round"] is not None and people.get(row["round"]):
            rows.append((f"people, round {row['round']}", *span(people[row["round"]])))
    told = (
        "Of the pairs that people ordered on held-out comparisons (split “test”): how often the reward model puts them "
        "the same way, beside how often two people of the round do."
        if rows
        else "No reward model scored held-out comparisons: an operator registers one and has it score them."
    )
    chart = charts.intervals("Agreement on held-out pairs", rows, guide=0.5)
    return Section(gettext_noop("Reward models and people"), told, chart, _tables(report, "reward-models"))


def _lengths(report: RoundsData) -> Section:
    rows: Bars = []
    for row in report["rewards"]:
        where = f"round {row['round'] or '–'}"
        rows += [(f"{row['model']}, {where}", *span(row["longer"])),
                 (f"people, same pairs, {where}", *span(row["people_longer"]))]  # fmt: skip
    told = (
        "Of the same pairs, where they differ in length: how often the longer text is put first."
        if rows
        else "It is told of the pairs that a reward model scored; none has scored any."
    )
    chart = charts.intervals("The longer text is put first", rows, guide=0.5)
    return Section(gettext_noop("Length bias"), told, chart, _tables(report, "length-bias"))


def _judges(report: RoundsData) -> Section:
    rows: Bars = []
    for row in report["judges"]:
        rows += [(f"judge {row['judge']}, {row['model']}", *span(row["agreement"])),
                 ("people, same pairs", *span(row["people"])),
                 ("prefers what stands first", *span(row["first"]))]  # fmt: skip
    told = (
        "Every two answers were judged in both orders, and an answer is preferred where it is in both. Of such pairs, "
        "how often the judge agrees with a person, beside how often two people agree on the same pairs; and of all its "
        "verdicts, how often they prefer the answer that stands first: one half where the place does not count. For "
        "measure, published of GPT-4 as a judge: the first place preferred in 53%, 13% of verdicts changed with the "
        "order, the longer answer preferred in 68%. None of this is among the people's figures above."
        if rows
        else "No model version judges here. A manager appoints one on the page of AI judges."
    )
    chart = charts.intervals("Agreement with people, and with the first place", rows, guide=0.5)
    names = ("ai-judges", "ai-judges-order", "ai-judges-leanings")
    return Section(gettext_noop("AI judges and people"), told, chart, _tables(report, *names))


def _rates(report: RoundsData) -> Section:
    chart = charts.intervals("Thumbs down, of all thumbs", _bars(report, lambda row: row["thumbs"]))
    told = (
        f"By model version and round. Over {TOO_MANY_CUT:.0%} of answers cut is too many: what people judge is then "
        "not all there is. The interval of cut answers is Wilson's."
    )
    return Section(gettext_noop("Thumbs, cut answers and flags"), told, chart, _tables(report, "rates", "flags"))


def _flagged(report: RoundsData, title: str, flag: str, table: str, told: str) -> Section:
    chart = charts.intervals(f"Answers flagged “{flag}”", _bars(report, lambda row: row["flags"].get(flag)))
    return Section(title, told, chart, _tables(report, table))


def _phrases(report: RoundsData) -> Section:
    told = (
        f"Runs of {WORDS} words in at least {OFTEN:.0%} of a sample of the answers that are at least {TIMES:g} times "
        f"as frequent as in the baseline: {report['baseline']}."
        if report["baseline"]
        else "There are no answers to hold phrases against."
    )
    chart = charts.intervals("Answers with an overused phrase", _bars(report, lambda row: row["worn"]))
    return Section(gettext_noop("Overused phrases"), told, chart, _tables(report, "overused-phrases", "phrases"))


def _rephrasing(report: RoundsData) -> Section:
    rows = [row for row in _bars(report, lambda row: row["sensitivity"]) if row[1] is not None]
    grouped = any(row["phrasings"]["n"] for row in report["versions"])
    told = (
        "By how much more the grades of two answers differ when the question was put in other words than when it was "
        "put in the same: 0 means that words do not matter."
        if grouped
        else "Give prompts that ask one thing in different words the same group of paraphrases, to see whether answers "
        "depend on the words. Grades 1 to 7 are compared."
    )
    chart = charts.intervals("Grades differ more between phrasings by", rows, percent=False, guide=0)
    return Section(gettext_noop("Sensitivity to rephrasing"), told, chart, _tables(report, "rephrasing"))
