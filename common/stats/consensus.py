"""One order out of several votes, each a list of tie groups, best first. Equal standing is a tie.

A vote counts by its weight (1 where none is given); one of weight 0 says nothing, unless all are of weight 0. The same
votes give the same order whatever their order, and whatever factor their weights share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, groupby
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from common.stats.plackett_luce import Pattern

Groups: TypeAlias = Sequence[Sequence[str]]
Order: TypeAlias = list[list[str]]
Method: TypeAlias = Callable[[Sequence[Groups], Sequence[float]], Order]

SAME_STRENGTH = 1e-4  # a fit is this exact; what stands closer is a tie


def shares(weights: Sequence[float], votes: int) -> list[Fraction]:
    """The weights as written in decimals, so that 0.1 and 0.2 are as much as 0.3."""
    exact = [Fraction(str(weight)) for weight in weights]
    return exact if any(exact) else [Fraction(1)] * votes


def borda(votes: Sequence[Groups], weights: Sequence[float] = ()) -> Order:
    """By mean place over the votes, a tie group sharing its mean place."""
    scores: defaultdict[str, Fraction] = defaultdict(Fraction)
    for groups, weight in zip(votes, shares(weights, len(votes)), strict=True):
        place = 0
        for group in groups:
            for one in group:
                scores[one] += weight * (place + Fraction(len(group) - 1, 2))
            place += len(group)
    return _by(scores)


def majority(votes: Sequence[Groups], weights: Sequence[float] = ()) -> Order:
    """One stands above another where more than half of the votes put it there; all are ordered by how many they
    stand above less how many stand above them (Copeland), so that a circle of majorities is a tie."""
    counted = shares(weights, len(votes))
    half = sum(counted, Fraction()) / 2
    places = [{one: place for place, group in enumerate(groups) for one in group} for groups in votes]
    beaten: dict[str, Fraction] = {one: Fraction() for place in places for one in place}
    for a, b in combinations(sorted(beaten), 2):
        above = sum((w for w, place in zip(counted, places, strict=True) if place[a] < place[b]), Fraction())
        below = sum((w for w, place in zip(counted, places, strict=True) if place[a] > place[b]), Fraction())
        wins = (above > half) - (below > half)
        beaten[a] -= wins
        beaten[b] += wins
    return _by(beaten)


def _by(scores: dict[str, Fraction]) -> Order:
    """Lowest first."""
    ordered = sorted(scores, key=lambda one: (scores[one], one))
    return [list(tied) for _, tied in groupby(ordered, key=lambda one: scores[one])]


def plackett_luce(votes: Sequence[Groups], weights: Sequence[float] = ()) -> Order:
    """By the strengths under which the votes are likeliest, a tie being any of its orders
    (`common/stats/plackett_luce.py`)."""
    counted = shares(weights, len(votes))
    mean = sum(counted, Fraction()) / len(counted)
    told: defaultdict[tuple[tuple[str, ...], ...], Fraction] = defaultdict(Fraction)
    for groups, weight in zip(votes, counted, strict=True):
        if weight:
            told[tuple(tuple(sorted(group)) for group in groups)] += weight / mean
    if len(told) == 1:
        return [list(group) for group in next(iter(told))]
    ids = sorted({one for groups in told for group in groups for one in group})
    number = {one: n for n, one in enumerate(ids)}
    patterns = sorted((tuple(tuple(number[c] for c in group) for group in gs), float(w)) for gs, w in told.items())
    return [[ids[n] for n in group] for group in _fitted(tuple(patterns))]


@lru_cache(maxsize=10_000)  # few patterns make up most comparisons of one K
def _fitted(patterns: tuple[tuple[Pattern, float], ...]) -> list[list[int]]:
    from common.stats.plackett_luce import plackett_luce as fit  # brings scipy, which few exports need

    models = 1 + max(n for pattern, _ in patterns for group in pattern for n in group)
    orders, counts = zip(*patterns, strict=True)
    strengths = fit(orders, range(len(orders)), models=models, weights=counts).strengths
    order: list[list[int]] = []
    last = float("inf")
    for n in sorted(range(models), key=lambda n: -strengths[n]):
        if order and last - strengths[n] < SAME_STRENGTH:
            order[-1] = sorted([*order[-1], n])
        else:
            order.append([n])
        last = strengths[n]
    return order


METHODS: dict[str, Method] = {"borda": borda, "plackett-luce": plackett_luce, "majority": majority}
