"""Several votes on one comparison: how far they agree, and what they say together. Knows no record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, groupby
from typing import TYPE_CHECKING, TypedDict

import orjson

from labeling.preferences import Groups, ranks

if TYPE_CHECKING:
    from common.stats.plackett_luce import Pattern

SAME_STRENGTH = 1e-4  # a fit is this exact; what stands closer is a tie

VOTES = """
    SELECT json_build_array(r.comparison_id, json_agg(r.groups ORDER BY r.id))::text
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    WHERE r.comparison_id IN (SELECT comparison_id FROM labeling_ranking WHERE kind = 'vote'
                              GROUP BY comparison_id HAVING count(*) > 1)
      AND c.project_id = %(project)s AND r.kind = 'vote' AND r.not_rankable = '' AND r.submitted_at <= %(cutoff)s
      AND (r.undone_at IS NULL OR r.undone_at > %(cutoff)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_ranking s WHERE s.supersedes_id = r.id AND s.submitted_at <= %(cutoff)s)
      AND (r.trainer_id IS NULL OR r.trainer_id <> ALL(%(withdrawn)s))
    GROUP BY r.comparison_id HAVING count(*) > 1
"""
"""Votes in force at the cutoff on comparisons that were judged more than once: [comparison, [groups, …]]."""


class Summary(TypedDict):
    """For the manifest: rates with their n."""

    comparisons: int
    pairs: int
    strict: float
    tie_discounted: float


@dataclass(frozen=True)
class Agreement:
    summary: Summary | None
    below: frozenset[str]  # comparisons under the bound asked for


def agreement(texts: Iterator[str], *, bound: float | None) -> Agreement:
    """Pair agreement over the comparisons that `VOTES` reads."""
    points, pairs, same, comparisons = 0, 0, 0, 0
    below = set()
    for comparison, several in map(orjson.loads, texts):
        got, equal, of = pair_points([ranks(groups) for groups in several])
        points, pairs, same, comparisons = points + got, pairs + of, same + equal, comparisons + 1
        if bound is not None and of and got < bound * 2 * of:
            below.add(comparison)
    if not pairs:
        return Agreement(None, frozenset(below))
    summary = Summary(
        comparisons=comparisons,
        pairs=pairs,
        strict=round(same / pairs, 6),
        tie_discounted=round(points / 2 / pairs, 6),
    )
    return Agreement(summary, frozenset(below))


def pair_points(votes: Sequence[Mapping[str, int]]) -> tuple[int, int, int]:
    """Over every two votes and every two completions: half points (2 for equal signs, 1 where just
    one says tie), equal signs, and how many pairs there were."""
    points = equal = total = 0
    for one, other in combinations(votes, 2):
        for a, b in combinations(sorted(one.keys() & other.keys()), 2):
            x, y = _sign(one[a] - one[b]), _sign(other[a] - other[b])
            total += 1
            equal += x == y
            points += 2 if x == y else 1 if 0 in (x, y) else 0
    return points, equal, total


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def borda(votes: Iterable[Groups]) -> list[list[str]]:
    """Consensus order: mean rank over the votes, a tie group sharing its mean place; equal means tie.

    Exact fractions, so that the same votes give the same order everywhere.
    """
    scores: dict[str, Fraction] = {}
    for groups in votes:
        place = 0
        for group in groups:
            mean = place + Fraction(len(group) - 1, 2)
            for cid in group:
                scores[cid] = scores.get(cid, Fraction(0)) + mean
            place += len(group)
    ordered = sorted(scores, key=lambda cid: (scores[cid], cid))
    return [list(tied) for _, tied in groupby(ordered, key=lambda cid: scores[cid])]


def plackett_luce(votes: Iterable[Groups]) -> list[list[str]]:
    """Consensus order: the completions' strengths under which the votes are likeliest, a tie being any of its
    orders (`common/stats/plackett_luce.py`)."""
    given = [tuple(tuple(sorted(group)) for group in groups) for groups in votes]
    if len(set(given)) == 1:
        return [list(group) for group in given[0]]
    ids = sorted({cid for groups in given for group in groups for cid in group})
    number = {cid: n for n, cid in enumerate(ids)}
    order = _fitted(tuple(sorted(tuple(tuple(number[c] for c in group) for group in groups) for groups in given)))
    return [[ids[n] for n in group] for group in order]


@lru_cache(maxsize=10_000)  # few patterns make up most comparisons of one K
def _fitted(patterns: tuple[Pattern, ...]) -> list[list[int]]:
    from common.stats.plackett_luce import plackett_luce as fit  # brings scipy, which few exports need

    models = 1 + max(n for pattern in patterns for group in pattern for n in group)
    strengths = fit(patterns, range(len(patterns)), models=models).strengths
    order: list[list[int]] = []
    last = float("inf")
    for n in sorted(range(models), key=lambda n: -strengths[n]):
        if order and last - strengths[n] < SAME_STRENGTH:
            order[-1] = sorted([*order[-1], n])
        else:
            order.append([n])
        last = strengths[n]
    return order


METHODS: dict[str, Callable[[Iterable[Groups]], list[list[str]]]] = {"borda": borda, "plackett-luce": plackett_luce}


def majority_flags(votes: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """The flags that more than half of the votes put on a completion."""
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for flags in votes:
        for cid, names in flags.items():
            counted[cid].update(names)
    return {
        cid: sorted(name for name, n in found.items() if n * 2 > len(votes)) for cid, found in sorted(counted.items())
    }
