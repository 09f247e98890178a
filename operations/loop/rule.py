"""The rules that stand in for people in `demo_loop`. Pure; every table that they lead to says so.

A simulated trainer sees a rule's measure through noise and calls near values equal, so that two of them disagree
about some pairs, as people do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

NOISE = 0.5  # deviation of what a trainer sees, in units of the rule
SAME = 0.5  # units within which a trainer sees no difference
MARKS = re.compile(r"[*#_`|:;()\[\]\"0-9–—-]")


@dataclass(frozen=True)
class Rule:
    words: str
    unit: str  # of the measure, as the tables name it
    measure: Callable[[str], float]  # less is better
    keeps_length: bool = True  # whether a policy that follows it has no reason to answer at another length


RULES = {
    "commas": Rule("the fewer commas the better", "commas", lambda text: float(text.count(","))),
    "concise": Rule(
        "the shorter the better, in steps of 20 characters", "steps", lambda text: float(len(text.strip()) // 20), False
    ),
    "prose": Rule(
        "the fewer signs that are neither letters nor the end of a sentence the better", "signs",
        lambda text: float(len(MARKS.findall(text))),
    ),
}  # fmt: skip


def better(rule: Rule, one: str, other: str) -> float:
    """1 where the first text is better by the rule itself, 0 where the other is, else one half."""
    a, b = rule.measure(one), rule.measure(other)
    return 1.0 if a < b else 0.0 if a > b else 0.5


def rank(rule: Rule, texts: Mapping[str, str], *, by: str = "", noise: float = NOISE) -> list[list[str]]:
    """Tie groups of ids, best first, as the simulated trainer `by` sees them: the same each time it is asked."""
    seen = {cid: rule.measure(text) + Random(f"{by}-{text}").gauss(0, noise) for cid, text in texts.items()}
    groups: list[list[str]] = []
    best = 0.0
    for cid in sorted(seen, key=lambda cid: (seen[cid], cid)):
        if groups and seen[cid] - best <= SAME:
            groups[-1].append(cid)
        else:
            groups.append([cid])
            best = seen[cid]
    return groups
