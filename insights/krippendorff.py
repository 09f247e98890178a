"""Krippendorff's alpha and Fleiss' kappa over many comparisons, with intervals over prompts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from common.stats.agreement import alpha_of_coincidences, fleiss_sums, kappa_of_sums
from common.stats.arrays import Floats, Integers
from common.stats.intervals import Estimate, of_sums
from insights.judgement_arrays import Matrix, Signs
from insights.report_types import Share, share


class ValueCounts:
    """Counts of values per unit."""

    def __init__(self, values: list[int]) -> None:
        self.values = values
        self.parts: list[tuple[Floats, Integers]] = []

    def add(self, comparison: Integers, prompt: Integers, table: Integers | Matrix | Signs) -> None:
        """`table`: a row per ranking, a column per unit of its comparison (a pair, or a completion)."""
        if not len(comparison):
            return
        distinct, index = np.unique(comparison, return_inverse=True)
        width = table.shape[1]
        counts = np.zeros((len(distinct), width, len(self.values)))
        for at, value in enumerate(self.values):
            np.add.at(counts[:, :, at], index, (table == value).astype(float))
        prompts = np.zeros(len(distinct), dtype=np.int64)
        prompts[index] = prompt
        self.parts.append((counts.reshape(-1, len(self.values)), np.repeat(prompts, width)))

    def estimate(self, level: str) -> Share:
        """Krippendorff's alpha."""
        counts, prompts = self._used()
        weights = counts / (counts.sum(axis=1) - 1)[:, None]
        each = weights[:, :, None] * counts[:, None, :]
        each[:, range(len(self.values)), range(len(self.values))] -= weights
        size = len(self.values)
        return _estimate(
            each.reshape(len(each), size**2),
            prompts,
            lambda sums: alpha_of_coincidences(sums.reshape(size, size), self.values, level),
        )

    def fleiss(self) -> Share:
        """Fleiss' kappa."""
        counts, prompts = self._used()
        return _estimate(fleiss_sums(counts), prompts, kappa_of_sums)

    def _used(self) -> tuple[Floats, Integers]:
        """Counts and prompt of each unit that has two values."""
        if not self.parts:
            return np.zeros((0, len(self.values))), np.zeros(0, dtype=np.int64)
        counts = np.concatenate([part[0] for part in self.parts])
        prompts = np.concatenate([part[1] for part in self.parts])
        used = counts.sum(axis=1) >= 2
        return counts[used], prompts[used]


def _estimate(each: Floats, prompts: Integers, statistic: Callable[[Floats], float | None]) -> Share:
    """The statistic of the sum over all units, with an interval over prompts."""
    _, index = np.unique(prompts, return_inverse=True)
    clusters = int(index.max()) + 1 if len(index) else 0
    sums = np.zeros((clusters, each.shape[1]))
    np.add.at(sums, index, each)
    value = statistic(sums.sum(axis=0)) if clusters else None
    if value is None or clusters < 2:
        return share(Estimate(value, None, None, clusters, float(len(each))))
    return share(Estimate(value, *of_sums(sums, statistic), clusters, float(len(each))))
