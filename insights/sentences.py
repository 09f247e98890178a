"""What a figure means and what to do about it, in a sentence. Pure."""

from __future__ import annotations

from typing import Any


def _span(found: dict[str, Any]) -> str:
    if found.get("low") is None:
        return f"{found['value']:.0%}"
    return f"{found['value']:.0%} (95% interval {found['low']:.0%} to {found['high']:.0%})"


def on_agreement(report: dict[str, Any]) -> str:
    found = report["agreement"]["between_trainers"]["tie_excluded"]
    if found["value"] is None:
        return (
            "No comparison was judged by two trainers yet. Raise the overlap share or the votes per comparison "
            "to measure agreement."
        )
    baseline = report["agreement"]["length_baseline"]["value"]
    text = f"Where two trainers both order a pair, they agree in {_span(found)}."
    if found["low"] is None:
        return f"{text} That is one prompt: too little to judge by."
    if baseline is not None and found["low"] <= baseline:
        text += f" Choosing the longer text would agree in {baseline:.0%}: hardly worse. Look at the guidelines."
    elif found["high"] < 0.711:
        text += " That is under InstructGPT's 72.6%: discuss the pairs that differ, and sharpen the guidelines."
    else:
        text += " That is within or above what InstructGPT reported for its labellers (72.6%)."
    votes = report["agreement"]["votes_for_90_percent"]
    if votes:
        plural = "s" if votes > 1 else ""
        text += f" For 90% right by majority, {votes} vote{plural} a comparison would do, if errors are independent."
    return text


def on_length(report: dict[str, Any]) -> str:
    found = report["bias"]["longer_wins"]
    if found["value"] is None:
        return "There are no pairs of different length yet."
    text = f"The longer text wins {_span(found)} of the pairs."
    if found["low"] is not None and found["low"] > 0.5:
        return (
            text + " Trainers lean to length: say in the guidelines that short is good, and read the ratings "
            "with style held equal."
        )
    if found["high"] is not None and found["high"] < 0.5:
        return text + " Trainers lean to the shorter text; check that answers are not cut short for it."
    return text + " No leaning to length can be told from chance."


def on_position(report: dict[str, Any]) -> str:
    found = report["bias"]["position"]
    if found["p_value"] is None:
        return "No ranking tells about places on the screen yet."
    text = (
        f"Chi-square {found['chi_square']:.1f} with {found['degrees']} degrees of freedom, p = {found['p_value']:.2g}."
    )
    if found["p_value"] < 0.01:
        return (
            text + " The place on the screen sways first places. The order is random for everybody, so the data are "
            "not skewed, but somebody may not be reading all: look at the fast trainers."
        )
    return text + " First places do not follow the place on the screen."


def on_suggestions(report: dict[str, Any]) -> str:
    rows = report["suggestions"]["by_week"]
    total = sum(row["verbatim"] + row["edited"] + row["own"] for row in rows)
    if not total:
        return "No demonstrations were submitted yet."
    verbatim = sum(row["verbatim"] for row in rows) / total
    text = f"{verbatim:.0%} of {total:,} turns are the model's own words, taken as they were."
    if verbatim > 0.5:
        return (
            text
            + " A model trained on these would mostly learn from itself: review them, or ask for fewer suggestions."
        )
    return text


def on_trainers(report: dict[str, Any]) -> str:
    rows = report["trainers"]
    if not rows:
        return "Nobody has ranked yet."
    count, covered = 0, 0.0
    for row in rows:
        count, covered = count + 1, covered + row["share"]
        if covered >= 0.8:
            break
    text = f"{count} of {len(rows)} trainers made {covered:.0%} of the rankings."
    if rows[0]["share"] > 0.5 and len(rows) > 2:
        text += f" One person made {rows[0]['share']:.0%}: a reward model would learn one taste."
    median, fast = report["bias"]["speed"]["median"], report["bias"]["speed"]["fast"]
    if median is not None:
        text += f" Half of the rankings took under {median:.0f} seconds, a quarter under {fast:.0f}."
    alarms = [row["person"] for row in rows if row["drift_alarm"]]
    if alarms:
        text += f" Drift alarm: {', '.join(alarms)}."
        text += " Look at their calibration items, talk to them, and review their last work."
    return text


def on_models(report: dict[str, Any]) -> str:
    rows = report["ratings"]["models"]
    if not rows:
        return "Only one model version was judged; ratings need pairs of two."
    best, text = rows[0], ""
    if len(rows) > 1 and best["bradley_terry"]["low"] is not None:
        clear = best["bradley_terry"]["low"] > rows[1]["bradley_terry"]["high"]
        text = f"{best['name']} leads" + (" clearly." if clear else f", but not clearly before {rows[1]['name']}.")
    new = report["ratings"]["new_against_previous"]
    if new:
        text += f" The new {new['new']} wins {_span(new)} of the points against {new['previous']}."
    return text or f"{best['name']} leads."
