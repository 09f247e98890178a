"""Points of pairs of rankings of the same comparison, added up per pair of people and overall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.stats.arrays import Integers
from common.stats.intervals import ratio
from insights.judgement_arrays import Block
from insights.report_types import CoupleAgreement, GroupAgreement, PairReadings, Share, share

TABLE_ROWS = 50


@dataclass(frozen=True)
class Points:
    """A row for each pair of rankings."""

    prompt: Integers
    one: Integers  # the two people, the smaller id first
    other: Integers
    pairs: Integers  # of completions
    same: Integers
    one_tie: Integers
    both: Integers  # ordered by both
    agreed: Integers  # ordered by both, and alike

    def __len__(self) -> int:
        return len(self.prompt)

    def readings(self, rows: Integers | slice = slice(None)) -> PairReadings:
        prompt, pairs, same = self.prompt[rows], self.pairs[rows], self.same[rows]
        one_tie = self.one_tie[rows]
        return {
            "strict": share(ratio(same, pairs, prompt)),
            "tie_discounted": share(ratio(same + 0.5 * one_tie, pairs, prompt)),
            "tie_excluded": self.tie_excluded(rows),
        }

    def tie_excluded(self, rows: Integers | slice = slice(None)) -> Share:
        return share(ratio(self.agreed[rows], self.both[rows], self.prompt[rows]))

    def summary(self) -> GroupAgreement:
        return {"rankings": len(self), **self.readings()}

    def by_people(self, names: dict[int, str]) -> list[CoupleAgreement]:
        """A row for each two people, those with most pairs first."""
        if not len(self):
            return []
        distinct, index = np.unique(np.stack([self.one, self.other], axis=1), axis=0, return_inverse=True)
        index = index.ravel()
        order = np.argsort(-np.bincount(index, weights=self.pairs, minlength=len(distinct)))[:TABLE_ROWS]
        rows: list[CoupleAgreement] = []
        for couple in order:
            at = np.flatnonzero(index == couple)
            rows.append({
                "a": names.get(int(distinct[couple][0]), "?"), "b": names.get(int(distinct[couple][1]), "?"),
                "pairs": int(self.pairs[at].sum()), **self.readings(at),
            })  # fmt: skip
        return rows

    def by_person(self) -> dict[int, Share]:
        """Each person's tie-excluded agreement with all others."""
        found: dict[int, Share] = {}
        for person in np.unique(np.concatenate([self.one, self.other])):
            at = np.flatnonzero((self.one == person) | (self.other == person))
            found[int(person)] = self.tie_excluded(at)
        return found


class PairPoints:
    """Collects them block by block."""

    def __init__(self) -> None:
        self.rows: list[list[Integers]] = []

    def add(self, block: Block, a: Integers, b: Integers) -> None:
        """Rankings at rows `a` and `b` of the block judged the same comparison."""
        if not len(a):
            return
        signs = block.signs
        left, right = signs[a], signs[b]
        same = left == right
        people = np.sort(np.stack([block.trainer[a], block.trainer[b]], axis=1), axis=1)
        self.rows.append([
            block.prompt[a], people[:, 0], people[:, 1], np.full(len(a), left.shape[1]), same.sum(axis=1),
            ((left == 0) ^ (right == 0)).sum(axis=1), ((left != 0) & (right != 0)).sum(axis=1),
            (same & (left != 0)).sum(axis=1),
        ])  # fmt: skip

    def points(self) -> Points:
        empty = [np.zeros(0, dtype=np.int64) for _ in range(8)]
        prompt, one, other, pairs, same, one_tie, both, agreed = (
            [np.concatenate(column) for column in zip(*self.rows, strict=True)] if self.rows else empty
        )
        return Points(prompt, one, other, pairs, same, one_tie, both, agreed)


def twice_judged(block: Block) -> tuple[Integers, Integers]:
    """Rows (a, b), a < b, of the block that judged the same comparison."""
    order = np.argsort(block.comparison, kind="stable")
    keys = block.comparison[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    sizes = np.diff(np.append(starts, len(keys)))
    a_parts, b_parts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for size in np.unique(sizes[sizes > 1]):
        groups = order[starts[sizes == size][:, None] + np.arange(size)]
        i, j = np.triu_indices(int(size), 1)
        a_parts.append(groups[:, i].ravel())
        b_parts.append(groups[:, j].ravel())
    return np.concatenate(a_parts), np.concatenate(b_parts)
