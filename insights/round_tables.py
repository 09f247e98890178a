"""The tables of the report by round: the same rows for the page and for CSV."""

from __future__ import annotations

from collections.abc import Callable

from insights.report_types import Share
from insights.round_types import RoundsData, VersionRow
from insights.tables import Cell, Row, Table, share, span

# A limitation that the announcement names: the flag of a ranking, and the reason given with a thumb down.
MADE_UP = ("hallucination", "not true")
VERBOSE = ("too verbose", "too long")
GUESSED = ("guessed instead of asking", "guessed instead of asking")
REFUSED = ("refused needlessly", "refused needlessly")

_WHERE = ("round", "model version")
_ENDS = ("95% low", "95% high")
_JUDGE = ("judge", "model version")


def _where(row: VersionRow) -> tuple[Cell, Cell]:
    return row["round"], row["model"]


def duels(report: RoundsData) -> Table:
    rows: list[Row] = [
        (row["round"], row["duel"]["new"], row["duel"]["previous"], *share(row["duel"])) if row["duel"]
        else (row["round"], "–", "–", None, None, None, None)
        for row in report["rounds"]
    ]  # fmt: skip
    columns = ("round", "new", "before", "share won by the new", *_ENDS, "prompts")
    return Table("The newest model version of each round against the one before", columns, rows, frozenset({3, 4, 5}))


def rewards(report: RoundsData) -> Table:
    people = {row["round"]: row["people"] for row in report["rounds"]}
    rows: list[Row] = [
        (
            row["round"], row["model"], int(row["agreement"]["n"]), *span(row["agreement"]),
            *span(people.get(row["round"]) if row["round"] is not None else None),
        )
        for row in report["rewards"]
    ]  # fmt: skip
    columns = ("round", "reward model", "pairs", "agrees with people", *_ENDS, "people with each other",
               "95% low ", "95% high ")  # fmt: skip
    return Table("Reward models and people on held-out comparisons", columns, rows, frozenset(range(3, 9)))


def lengths(report: RoundsData) -> Table:
    rows: list[Row] = [
        (row["round"], row["model"], int(row["longer"]["n"]), *span(row["longer"]), *span(row["people_longer"]))
        for row in report["rewards"]
    ]
    columns = ("round", "reward model", "pairs", "puts the longer first", *_ENDS, "people put it first",
               "95% low ", "95% high ")  # fmt: skip
    return Table("Length bias of reward models and people, on the same pairs", columns, rows, frozenset(range(3, 9)))


def judges(report: RoundsData) -> Table:
    rows: list[Row] = [
        (
            row["judge"], row["model"], row["comparisons"], int(row["agreement"]["n"]), *span(row["agreement"]),
            *span(row["undecided_as_half"]), *span(row["people"]),
        )
        for row in report["judges"]
    ]  # fmt: skip
    columns = (*_JUDGE, "comparisons", "pairs", "agrees with people", *_ENDS, "undecided as half", "95% low ",
               "95% high ", "people with each other", "95% low  ", "95% high  ")  # fmt: skip
    return Table("AI judges and people on the same pairs", columns, rows, frozenset(range(4, 13)))


def order_bias(report: RoundsData) -> Table:
    rows: list[Row] = [
        (
            row["judge"], row["model"], *span(row["first"]), *span(row["changed"]), row["ties"]["value"],
            row["unreadable"]["value"], row["unanswered"],
        )
        for row in report["judges"]
    ]  # fmt: skip
    columns = (*_JUDGE, "prefers what stands first", *_ENDS, "changes with the order", "95% low ", "95% high ",
               "ties", "unreadable", "unanswered")  # fmt: skip
    return Table("What AI judges say when the order is another", columns, rows, frozenset(range(2, 10)))


def leanings(report: RoundsData) -> Table:
    rows: list[Row] = [
        (
            row["judge"], row["model"], *span(row["longer"]), row["people_longer"]["value"], *span(row["own"]),
            row["people_own"]["value"],
        )
        for row in report["judges"]
    ]  # fmt: skip
    columns = (*_JUDGE, "prefers the longer", *_ENDS, "people", "prefers its own model", "95% low ", "95% high ",
               "people ")  # fmt: skip
    return Table("What AI judges lean to, and people on the same pairs", columns, rows, frozenset(range(2, 10)))


def rates(report: RoundsData) -> Table:
    rows: list[Row] = [
        (*_where(row), row["judged"], *span(row["cut"]), int(row["thumbs"]["n"]), *span(row["thumbs"]))
        for row in report["versions"]
    ]
    columns = (*_WHERE, "judged answers", "cut", *_ENDS, "thumbs", "down", "95% low ", "95% high ")
    return Table("Answers cut at their limit, and thumbs down", columns, rows, frozenset({3, 4, 5, 7, 8, 9}))


def flags(report: RoundsData) -> Table:
    """Those that were used at all."""
    rows: list[Row] = [
        (*_where(row), name, *share(found))
        for row in report["versions"]
        for name, found in row["flags"].items()
        if found["value"]
    ]
    return Table("Flags", (*_WHERE, "flag", "share of answers", *_ENDS, "prompts"), rows, frozenset({3, 4, 5}))


def _named(
    caption: str, names: tuple[str, str], further: str = "", value: Callable[[VersionRow], Cell] | None = None,
    *, as_share: bool = False,
) -> Callable[[RoundsData], Table]:  # fmt: skip
    """A limitation that people name: with a flag on a ranked answer, or a reason for a thumb down."""
    flag, reason = names

    def table(report: RoundsData) -> Table:
        rows: list[Row] = [
            (
                *_where(row), *share(row["flags"].get(flag)), row["reasons"].get(reason, 0),
                *([value(row)] if value else []),
            )
            for row in report["versions"]
        ]  # fmt: skip
        columns = (*_WHERE, f"flagged “{flag}”", *_ENDS, "prompts", f"thumbs down for “{reason}”")
        return Table(
            caption, (*columns, further) if value else columns, rows, frozenset({2, 3, 4, *([7] if as_share else [])})
        )

    return table


def phrases(report: RoundsData) -> Table:
    rows: list[Row] = [
        (*_where(row), phrase["words"], phrase["share"], phrase["baseline"])
        for row in report["versions"]
        for phrase in row["phrases"]
    ]
    columns = (*_WHERE, "phrase", "share of answers", "share of the baseline")
    return Table("The phrases", columns, rows, frozenset({3, 4}))


def worn(report: RoundsData) -> Table:
    rows: list[Row] = [(*_where(row), *share(row["worn"])) for row in report["versions"]]
    columns = (*_WHERE, "answers with an overused phrase", *_ENDS, "prompts")
    return Table("Overused phrases", columns, rows, frozenset({2, 3, 4}))


def rephrasing(report: RoundsData) -> Table:
    rows: list[Row] = [
        (*_where(row), row["phrasings"]["value"], row["same_prompt"]["value"], *share(row["sensitivity"]))
        for row in report["versions"]
        if row["phrasings"]["n"]
    ]
    columns = (*_WHERE, "grades differ between phrasings by", "within one by", "difference", *_ENDS, "groups")
    return Table("Sensitivity to rephrasing", columns, rows)


def _value(found: Share) -> Cell:
    return found["value"]


TABLES: dict[str, Callable[[RoundsData], Table]] = {
    "new-against-old": duels,
    "reward-models": rewards,
    "length-bias": lengths,
    "ai-judges": judges,
    "ai-judges-order": order_bias,
    "ai-judges-leanings": leanings,
    "rates": rates,
    "flags": flags,
    "made-up": _named("Made-up answers", MADE_UP),
    "verbosity": _named("Verbosity", VERBOSE, "mean characters", lambda row: row["characters"]),
    "overused-phrases": worn,
    "phrases": phrases,
    "guessing": _named("Guessing instead of asking", GUESSED, "end with a question",
                       lambda row: _value(row["asks"]), as_share=True),
    "refusals": _named("Needless refusals", REFUSED, "begin with a refusal",
                       lambda row: _value(row["refuses"]), as_share=True),
    "rephrasing": rephrasing,
}  # fmt: skip
