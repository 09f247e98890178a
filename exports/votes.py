"""Several votes on one comparison: how far they agree, and what is left of one without some completions.
Their consensus: `exports/consensus.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import orjson

from exports.records import RankingRecord
from labeling.preferences import ranks

if TYPE_CHECKING:
    from exports.snapshot import Snapshot

_VOTES = """
    SELECT r.comparison_id::text, json_agg(r.groups ORDER BY r.id)::text
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    WHERE r.comparison_id IN (SELECT comparison_id FROM labeling_ranking WHERE kind = 'vote'
                              GROUP BY comparison_id HAVING count(*) > 1)
      AND c.project_id = %(project)s AND r.kind = 'vote' AND r.not_rankable = '' AND r.submitted_at <= %(cutoff)s
      AND (r.undone_at IS NULL OR r.undone_at > %(cutoff)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_ranking s WHERE s.supersedes_id = r.id AND s.submitted_at <= %(cutoff)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_membership m
                      WHERE m.project_id = c.project_id AND m.user_id = r.trainer_id AND m.withdrawn_at IS NOT NULL)
    GROUP BY r.comparison_id HAVING count(*) > 1
"""


@dataclass(frozen=True)
class Judged:
    summary: dict[str, Any] | None  # for the manifest: rates with their n
    below: frozenset[str]  # comparisons under the bound asked for


def agreement(view: Snapshot, params: dict[str, Any], *, bound: float | None) -> Judged:
    """Pair agreement over all comparisons judged more than once, votes in force at the cutoff."""
    points, pairs, same, comparisons = 0, 0, 0, 0
    below = set()
    for comparison, packed in view.walk(_VOTES, params):
        got, equal, of = pair_points([ranks(groups) for groups in orjson.loads(packed)])
        points, pairs, same, comparisons = points + got, pairs + of, same + equal, comparisons + 1
        if bound is not None and of and got < bound * 2 * of:
            below.add(comparison)
    if not pairs:
        return Judged(None, frozenset(below))
    summary = {
        "comparisons": comparisons,
        "pairs": pairs,
        "strict": round(same / pairs, 6),
        "tie_discounted": round(points / 2 / pairs, 6),
    }
    return Judged(summary, frozenset(below))


def pair_points(votes: Sequence[dict[str, int]]) -> tuple[int, int, int]:
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


def without(record: RankingRecord, flags: frozenset[str]) -> RankingRecord:
    """The record less the completions that carry one of `flags`. Strengths go with the groups they
    stood between."""
    bad = {cid for cid, names in record.flags.items() if flags.intersection(names)}
    if not bad:
        return record
    groups = [[cid for cid in group if cid not in bad] for group in record.groups]
    return dataclasses.replace(
        record,
        groups=[group for group in groups if group],
        strengths=record.strengths if all(groups) else [],
        answers=[answer for answer in record.answers if answer.id not in bad],
    )
