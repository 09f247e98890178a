"""What a figure means and what to do about it, in a sentence. Pure."""

from __future__ import annotations

from typing import NamedTuple

from insights.report_types import TOO_MANY_CUT, Haste, Interval, ReportData

INSTRUCTGPT_LOW = 0.711  # the lower end of what InstructGPT reported for its labellers, 72.6%
FEW = 30  # rankings, or turns, from which on a figure is worth a conclusion
STYLES = {"headers": "headings", "lists": "lists", "bold": "bold type"}


class Known(NamedTuple):
    """A value of which the interval is known too."""

    value: float
    low: float
    high: float


def known(found: Interval) -> Known | None:
    if found["value"] is None or found["low"] is None or found["high"] is None:
        return None
    return Known(found["value"], found["low"], found["high"])


def _few(report: ReportData) -> bool:
    return report["counts"]["rankings"] < FEW


def _span(found: Interval) -> str:
    whole = known(found)
    if whole is None:
        return f"{found['value']:.0%}"
    return f"{whole.value:.0%} (95% interval {whole.low:.0%} to {whole.high:.0%})"


def on_agreement(report: ReportData) -> str:
    found = report["agreement"]["between_trainers"]["tie_excluded"]
    if found["value"] is None:
        return (
            "No comparison was judged by two trainers yet. Raise the overlap share or the votes per comparison "
            "to measure agreement."
        )
    baseline = report["agreement"]["length_baseline"]["value"]
    text = f"Where two trainers both order a pair, they agree in {_span(found)}."
    whole = known(found)
    if whole is None:
        return f"{text} That is one prompt: too little to judge by."
    if baseline is not None and whole.low <= baseline:
        text += f" Choosing the longer text would agree in {baseline:.0%}: hardly worse. Look at the guidelines."
    elif whole.high < INSTRUCTGPT_LOW:
        text += " That is under InstructGPT's 72.6%: discuss the pairs that differ, and sharpen the guidelines."
    else:
        text += " That is within or above what InstructGPT reported for its labellers (72.6%)."
    votes = report["agreement"]["votes_for_90_percent"]
    if votes:
        plural = "s" if votes > 1 else ""
        text += f" For 90% right by majority, {votes} vote{plural} a comparison would do, if errors are independent."
    return text


def on_cut(report: ReportData) -> str:
    if not report["cut"]:
        return "No answer was sampled yet."
    many = [row for row in report["cut"] if row["share"] > TOO_MANY_CUT]
    if not many:
        return f"At most {max(row['share'] for row in report['cut']):.0%} of a model version's answers were cut."
    names = ", ".join(f"{row['model']} in round {row['round']} ({row['share']:.0%})" for row in many)
    return (
        f"Warning: more than {TOO_MANY_CUT:.0%} of the answers were cut at their limit: {names}. Such an answer is "
        "judged by its length, and left out of training files: raise the longest answer of the project or the policy."
    )


def on_length(report: ReportData) -> str:
    found = report["bias"]["longer_wins"]
    if found["value"] is None:
        return "There are no pairs of different length yet."
    text = f"The longer text wins {_span(found)} of the pairs."
    if _few(report):
        return f"{text} From under {FEW} rankings nothing follows yet."
    whole = known(found)
    if whole and whole.low > 0.5:
        return (
            text + " Trainers lean to length: say in the guidelines that short is good, and read the ratings "
            "with style held equal."
        )
    if whole and whole.high < 0.5:
        return text + " Trainers lean to the shorter text; check that answers are not cut short for it."
    return text + " No leaning to length can be told from chance."


def on_style(report: ReportData) -> str:
    """Formatting: which of its signs win or lose, strength of the model and length held equal."""
    effects = report["bias"]["effects"]
    told = {key: whole for key in STYLES if key in effects and (whole := known(effects[key]))}
    if not told or _few(report):
        return "Too few texts differ in formatting to say what it does."
    wins = [f"{STYLES[key]} ({_log_odds(effect)})" for key, effect in told.items() if effect.low > 0]
    loses = [f"{STYLES[key]} ({_log_odds(effect)})" for key, effect in told.items() if effect.high < 0]
    if not wins and not loses:
        return "With length held equal, headings, lists and bold type make no difference that can be told from chance."
    text = "With length held equal, "
    if wins:
        text += f"trainers prefer more {' and '.join(wins)}"
    if loses:
        text += f"{', and ' if wins else 'trainers prefer '}less {' and '.join(loses)}"
    return text + ". If that is not what the guidelines want, say so there; read the ratings with style held equal."


def _log_odds(effect: Known) -> str:
    return f"log-odds {effect.value:+.2f}, 95% interval {effect.low:+.2f} to {effect.high:+.2f}"


def on_position(report: ReportData) -> str:
    found = report["bias"]["position"]
    if found["p_value"] is None:
        return "No ranking tells about places on the screen yet."
    text = (
        f"Chi-square {found['chi_square']:.1f} with {found['degrees']} degrees of freedom, p = {found['p_value']:.2g}."
    )
    earlier = report["bias"]["earlier_wins"]
    if earlier["value"] is not None:
        text += f" Of two texts the one shown earlier wins {_span(earlier)} of the pairs."
    if _few(report):
        return f"{text} From under {FEW} rankings nothing follows yet."
    if found["p_value"] < 0.01:
        return (
            text + " The place on the screen sways first places. The order is random for everybody, so the data are "
            "not skewed, but somebody may not be reading all: look at the fast trainers."
        )
    return text + " First places do not follow the place on the screen."


def on_suggestions(report: ReportData) -> str:
    found = report["suggestions"]
    total = sum(row["verbatim"] + row["edited"] + row["own"] for row in found["by_week"])
    if not total:
        return "No demonstrations were submitted yet."
    text = f"{_span(found['verbatim'])} of {total:,} turns are the model's own words, taken as they were."
    if found["edit_ratio"]["value"] is not None:
        text += f" Where a suggestion was edited, {_span(found['edit_ratio'])} of it was changed."
    moved = known(found["since_first_week"]) if found["since_first_week"] else None
    if moved and (moved.low > 0 or moved.high < 0):
        went = "rose" if moved.value > 0 else "fell"
        text += f" Since the first week the share taken as it was {went} by {_points(moved)}."
    if total >= FEW and (found["verbatim"]["value"] or 0.0) > 0.5:
        return (
            f"{text} A model trained on these would mostly learn from itself: review them, or ask for fewer "
            "suggestions."
        )
    return text if total < FEW else text + " People write more than they take over, as it should be."


def on_speed(report: ReportData) -> str:
    """What haste does: whether quick rankings lean where slow ones do not."""
    found = report["bias"]["speed"]
    if found["median"] is None:
        return "No ranking says how long it took yet."
    text = f"Half of the rankings took under {found['median']:.0f} seconds, a quarter under {found['fast']:.0f}."
    if _few(report):
        return text
    leanings = []
    for haste, what in ((found["longer_wins"], "the longer text"), (found["earlier_wins"], "the text shown earlier")):
        gap = known(haste["difference"]) if haste and haste["quick"]["value"] is not None else None
        if haste is None or gap is None:
            continue
        text += _on_quarter(haste, gap, what)
        if gap.low > 0:
            leanings.append(what)
    if leanings:
        return (
            f"{text} Who hurries goes by {' and '.join(leanings)}: review the quick rankings (the review queue lists "
            "them), and talk to the people who send them."
        )
    return f"{text} No harm done by haste can be told from chance."


def _on_quarter(haste: Haste, gap: Known, what: str) -> str:
    compared = "more than in the others." if gap.value >= 0 else "less than in the others."
    return f" In the quickest quarter {what} wins {_span(haste['quick'])} of the pairs, {_points(gap)} {compared}"


def _points(found: Known) -> str:
    """A difference of two shares, said as so much more or less."""
    sign = 1 if found.value >= 0 else -1
    low, high = sorted((100 * sign * found.low, 100 * sign * found.high))
    points = f"{100 * abs(found.value):.0f}"
    return f"{points} point{'' if points == '1' else 's'} (95% interval {low:.0f} to {high:.0f})"


def on_trainers(report: ReportData) -> str:
    rows = report["trainers"]
    if not rows:
        return "Nobody has ranked yet."
    count, covered = 0, 0.0
    for row in rows:
        count, covered = count + 1, covered + row["share"]
        if covered >= 0.8:
            break
    text = f"{count} of {len(rows)} trainers made {covered:.0%} of the rankings."
    if len(rows) == 1:
        text = "One trainer made all of the rankings."
    if rows[0]["share"] > 0.5 and len(rows) > 2:
        text += f" One person made {rows[0]['share']:.0%}: a reward model would learn one taste."
    alarms = [row["person"] for row in rows if row["drift_alarm"]]
    if alarms:
        text += f" Drift alarm: {', '.join(alarms)}."
        text += " Look at their calibration items, talk to them, and review their last work."
    return text


def on_models(report: ReportData) -> str:
    rows = report["ratings"]["models"]
    if not rows:
        return "Only one model version was judged; ratings need pairs of two."
    best, text = rows[0], ""
    first, second = known(best["bradley_terry"]), known(rows[1]["bradley_terry"]) if len(rows) > 1 else None
    if first and second:
        clear = first.low > second.high
        text = f"{best['name']} leads" + (" clearly." if clear else f", but not clearly before {rows[1]['name']}.")
    new = report["ratings"]["new_against_previous"]
    if new:
        text += f" The new {new['new']} wins {_span(new)} of the points against {new['previous']}."
    return text or f"{best['name']} leads."
