"""A run's report: lines for the terminal, and a file beside the checkpoints. Pure but for that file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.shapes import Json, JsonObject
from insights.loop_report import part, rows_in

FILE = "report.json"


def lines(rounds: Sequence[JsonObject], unit: str) -> list[str]:
    """Each round: how good the reward model is, who is preferred, and every check with its bound."""
    found = []
    for row in rounds:
        held_out, trained_on = (part(row, side) for side in ("held_out", "trained_on"))
        old, new = (part(held_out, side) for side in ("old", "new"))
        found += [
            "",
            f"round {row['round']}: {row['new']} against {row['old']}",
            f"  reward model   {_share(row['rm_accuracy'])} as the rule orders them, "
            f"{_share(row['rm_agreement'], 'agreement')} as trainers ranked them",
            f"  preferred      {_share(held_out['trainers'])} on held-out topics, "
            f"{_share(trained_on['trainers'])} on the others",
            f"  by the rule    {_share(held_out['rule'])} on held-out topics",
            f"  {unit:<14} {_number(old['measure'])} -> {_number(new['measure'])} an answer "
            f"(n {old['answers']}, {new['answers']})",
            f"  length         {_number(old['characters'])} -> {_number(new['characters'])} characters; "
            f"ended {_number(old['ended'])} -> {_number(new['ended'])}",
            f"  KL             {_number(row['kl'])} nats an answer; perplexity under the first policy "
            f"{_number(row['perplexity'])} (its own {_number(row['first_perplexity'])})",
            *_curves(row),
            *(_check(one) for one in rows_in(row["checks"])),
        ]
    return found


def _curves(row: JsonObject) -> list[str]:
    best = ", ".join(f"n={one['n']} {_number(one['win_rate'])}" for one in rows_in(row["best_of"]))
    found = [f"  best of n      {best}"] if best else []
    for one in rows_in(row["iterations"]):
        found.append(
            f"  iteration {one['iteration']:>3}  reward {_number(one['reward'])}, KL {_number(one['kl'])}, "
            f"by the rule {_number(one['rule_win_rate'])}, {_number(one['tokens'])} tokens, ended "
            f"{_number(one['ended'])}, perplexity {_number(one['perplexity'])}"
        )
    return found


def _check(one: Mapping[str, Json]) -> str:
    word = "holds" if one["holds"] else "DOES NOT HOLD"
    return f"  {word:<14} {one['check']}: {_number(one['value'])} {one['bound']}"


def _share(found: Json, name: str = "value") -> str:
    """A share with its interval and its n."""
    assert isinstance(found, dict)
    if found[name] is None:
        return "none"
    low, high = found["low"], found["high"]
    interval = "" if low is None or high is None else f" [{_number(low)}, {_number(high)}]"
    return f"{_number(found[name])}{interval} of {found['pairs']}"


def _number(value: Json) -> str:
    return "none" if not isinstance(value, int | float) else f"{value:.2f}"


def whole(
    rounds: Sequence[JsonObject], *, words: str, settings: JsonObject, seconds: Mapping[str, float]
) -> JsonObject:
    """All that is known after these rounds."""
    return {
        "simulated": True, "rule": words, "settings": settings, "rounds": list(rounds),
        "holds": all(row["holds"] for row in rounds), "seconds": round(sum(seconds.values())), "stages": dict(seconds),
    }  # fmt: skip


def write(folder: Path, report: JsonObject) -> None:
    """Beside the checkpoints of the run, where insights reads it."""
    (folder / FILE).write_text(json.dumps(report, indent=1) + "\n")
