"""Krippendorff's alpha over many comparisons, with an interval over prompts."""

from __future__ import annotations

import numpy as np

from common.stats.agreement import alpha_of_coincidences, coincidences
from common.stats.arrays import Floats, Integers
from common.stats.intervals import Estimate
from insights.judgement_arrays import Matrix, Signs
from insights.report_types import Share, share


class AlphaCounts:
    """Counts of values per unit, for Krippendorff's alpha with an interval over prompts."""

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

    def estimate(self, level: str, draws: int = 200) -> Share:
        if not self.parts:
            return share(Estimate(None, None, None, 0, 0))
        counts = np.concatenate([part[0] for part in self.parts])
        prompts = np.concatenate([part[1] for part in self.parts])
        used = counts.sum(axis=1) >= 2
        counts, prompts = counts[used], prompts[used]
        value = alpha_of_coincidences(coincidences(counts), self.values, level) if len(counts) else None
        _, index = np.unique(prompts, return_inverse=True)
        clusters = int(index.max()) + 1 if len(index) else 0
        if value is None or clusters < 2:
            return share(Estimate(value, None, None, clusters, float(len(counts))))
        weights = counts / (counts.sum(axis=1) - 1)[:, None]
        each = weights[:, :, None] * counts[:, None, :]
        each[:, range(len(self.values)), range(len(self.values))] -= weights
        per_prompt = np.zeros((clusters, len(self.values) ** 2))
        np.add.at(per_prompt, index, each.reshape(len(each), -1))
        low, high = self._interval(per_prompt, level, draws)
        return share(Estimate(value, low, high, clusters, float(len(counts))))

    def _interval(self, per_prompt: Floats, level: str, draws: int) -> tuple[float | None, float | None]:
        rng = np.random.default_rng(0)
        size = len(self.values)
        found = []
        for _ in range(draws):
            times = np.bincount(rng.integers(0, len(per_prompt), len(per_prompt)), minlength=len(per_prompt))
            alpha = alpha_of_coincidences((times @ per_prompt).reshape(size, size), self.values, level)
            if alpha is not None:
                found.append(alpha)
        if len(found) < draws / 2:
            return None, None
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)
