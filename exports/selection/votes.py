"""Several votes on one comparison: how far they agree, and which flags they share. What order they make together:
`common/stats/consensus.py`. Knows no record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypedDict

import orjson

from exports.sources.base import gone
from labeling.preferences import ranks
from labeling.quality.overlap import ASKED_FOR_MORE

VOTES = f"""
    SELECT json_build_array(r.comparison_id, json_agg(r.groups ORDER BY r.id),
        json_agg({ASKED_FOR_MORE.format(ranking="r", comparison="c")} ORDER BY r.id))::text
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    WHERE r.comparison_id IN (SELECT comparison_id FROM labeling_ranking WHERE kind = 'vote'
                              GROUP BY comparison_id HAVING count(*) > 1)
      AND c.project_id = %(project)s AND r.kind = 'vote' AND r.not_rankable = '' AND r.submitted_at <= %(cutoff)s
      AND (r.undone_at IS NULL OR r.undone_at > %(cutoff)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_ranking s WHERE s.supersedes_id = r.id AND s.submitted_at <= %(cutoff)s)
      AND NOT {gone("r.trainer_id", "r.submitted_at")}
    GROUP BY r.comparison_id HAVING count(*) > 1
"""
"""Votes in force at the cutoff on comparisons that were judged more than once: [comparison, [groups, …], and of each
whether adaptive overlap asked for it]."""


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
    """Pair agreement over the comparisons that `VOTES` reads, less the votes that were asked for because others
    disagreed; those count where a comparison is held to the bound."""
    points, pairs, same, comparisons = 0, 0, 0, 0
    below = set()
    for comparison, several, extra in map(orjson.loads, texts):
        votes = [ranks(groups) for groups in several]
        got, equal, of = pair_points(votes)
        if bound is not None and of and got < bound * 2 * of:
            below.add(comparison)
        if any(extra):
            got, equal, of = pair_points([vote for vote, more in zip(votes, extra, strict=True) if not more])
        points, pairs, same, comparisons = points + got, pairs + of, same + equal, comparisons + (of > 0)
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


def majority_flags(votes: Sequence[Mapping[str, Sequence[str]]], weights: Sequence[Fraction]) -> dict[str, list[str]]:
    """The flags that more than half of the votes, by their weights, put on a completion."""
    counted: defaultdict[str, defaultdict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for flags, weight in zip(votes, weights, strict=True):
        for cid, names in flags.items():
            for name in names:
                counted[cid][name] += weight
    half = sum(weights) / 2
    return {cid: sorted(name for name, n in found.items() if n > half) for cid, found in sorted(counted.items())}
