"""One ranking out of several votes on a comparison: by Borda count or by Plackett-Luce."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from exports.records import RankingRecord
from labeling.preferences import Groups

if TYPE_CHECKING:
    from common.stats.plackett_luce import Pattern

CONSENSUS = "consensus"  # the kind of such a ranking
SAME_STRENGTH = 1e-4  # a fit is this exact; what stands closer is a tie


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


def consensus(standing: Iterable[RankingRecord], method: str) -> Iterator[RankingRecord]:
    """One record a comparison in place of its votes, which follow each other; its id is the comparison's.

    Not-rankable votes count as votes but order nothing; where they are the majority, the consensus is
    that reason.
    """
    for comparison, group in groupby(standing, key=lambda record: record.comparison):
        votes = list(group)
        ranked = [vote for vote in votes if not vote.not_rankable]
        refused = [vote for vote in votes if vote.not_rankable]
        refuses = len(refused) * 2 > len(votes)
        weights = [vote.label_weight for vote in votes if vote.label_weight is not None]
        first = votes[0]
        yield dataclasses.replace(
            first,
            id=comparison,
            trainer=None,
            kind=CONSENSUS,
            submitted_at=max(vote.submitted_at for vote in votes),
            not_rankable=refused[0].not_rankable if refuses else "",
            groups=[] if refuses else METHODS[method](vote.groups for vote in ranked),
            ratings={},
            flags=_majority_flags(votes),
            strengths=[],
            seconds=None,
            label_weight=sum(weights) / len(weights) if weights else None,
            note="",
            answers=sorted(first.answers, key=lambda answer: answer.id),
            num_votes=len(votes),
        )


def _majority_flags(votes: Sequence[RankingRecord]) -> dict[str, list[str]]:
    counted: dict[str, dict[str, int]] = {}
    for vote in votes:
        for cid, names in vote.flags.items():
            for name in names:
                counted.setdefault(cid, {})[name] = counted.setdefault(cid, {}).get(name, 0) + 1
    return {
        cid: sorted(name for name, n in names.items() if n * 2 > len(votes)) for cid, names in sorted(counted.items())
    }
