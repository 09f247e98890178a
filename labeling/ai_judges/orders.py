"""From the verdicts on every two answers to an order of all. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

Verdicts: TypeAlias = Mapping[tuple[str, str], str]
"""What was said of (first, second) in this order: first, second, tie, or anything else that is no verdict."""

_SIGNS = {"first": 1, "tie": 0, "second": -1}


def of_pair(verdicts: Verdicts, one: str, other: str) -> tuple[int, int] | None:
    """(preferred when `one` stood first, when it stood second): 1 for `one`, 0 for a tie, -1 for `other`. None where
    either of the two cannot be read."""
    ahead, behind = _SIGNS.get(verdicts.get((one, other), "")), _SIGNS.get(verdicts.get((other, one), ""))
    return None if ahead is None or behind is None else (ahead, -behind)


def decided(ahead: int, behind: int) -> int:
    """What both orders together say. One answer is better only where it is in both; else it is a tie."""
    return ahead if ahead == behind else 0


def order(ids: Sequence[str], verdicts: Verdicts) -> list[list[str]]:
    """Tie groups, best first, by how many others each is better than less how many are better than it (Copeland), so
    that a circle is a tie. Empty where a pair cannot be read: it might change the order."""
    standing: dict[str, int] = dict.fromkeys(ids, 0)
    for one, other in combinations(ids, 2):
        found = of_pair(verdicts, one, other)
        if found is None:
            return []
        sign = decided(*found)
        standing[one] += sign
        standing[other] -= sign
    groups: dict[int, list[str]] = defaultdict(list)
    for cid, points in standing.items():
        groups[points].append(cid)
    return [groups[points] for points in sorted(groups, reverse=True)]
