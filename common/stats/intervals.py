"""Intervals of ratios whose observations come in clusters: pairs of one prompt are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats, counted

BOOTSTRAP_UP_TO = 2000  # clusters; beyond, the linearised interval is the same to three digits and much faster
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; `low` and `high` are None where there is too little to say."""

    value: float | None
    low: float | None
    high: float | None
    clusters: int
    n: float

    @property
    def half_width(self) -> float | None:
        return (self.high - self.low) / 2 if self.low is not None and self.high is not None else None


def by_cluster(clusters: ArrayLike, *columns: ArrayLike) -> list[Floats]:
    """Sums of each column per cluster."""
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    return [counted(index, np.asarray(column, dtype=float)) for column in columns]


def ratio(
    numerators: ArrayLike, denominators: ArrayLike, clusters: ArrayLike, *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """sum(numerators) / sum(denominators) with an interval that resamples whole clusters.

    Percentiles of a cluster bootstrap; for many clusters the equivalent linearised interval. A value at
    the very edge (all agree) gets Wilson's bound on the number of clusters, since resampling cannot see it.
    """
    top, bottom = by_cluster(clusters, numerators, denominators)
    used = bottom > 0
    top, bottom = top[used], bottom[used]
    count, total = len(bottom), float(bottom.sum())
    if not count:
        return Estimate(None, None, None, 0, 0)
    value = float(top.sum() / total)
    if count < 2:
        return Estimate(value, None, None, count, total)
    residuals = top - value * bottom
    if not np.any(np.abs(residuals) > 1e-12):
        low, high = wilson(value, count)
    elif count <= BOOTSTRAP_UP_TO:
        low, high = _bootstrap(top, bottom, draws, seed)
    else:
        spread = Z95 * math.sqrt(float((residuals**2).sum()) * count / (count - 1)) / total
        low, high = value - spread, value + spread
    return Estimate(value, low, high, count, total)


def difference(part: tuple[ArrayLike, ArrayLike], other: tuple[ArrayLike, ArrayLike], clusters: ArrayLike) -> Estimate:
    """The ratio of `part` less the ratio of `other`, both (numerators, denominators) over the same rows.

    A cluster may hold rows of both; the interval is linearised, with whole clusters as the units.
    """
    top_a, bottom_a, top_b, bottom_b = by_cluster(clusters, *part, *other)
    count, total_a, total_b = int(((bottom_a + bottom_b) > 0).sum()), float(bottom_a.sum()), float(bottom_b.sum())
    if not total_a or not total_b:
        return Estimate(None, None, None, count, total_a + total_b)
    ratio_a, ratio_b = float(top_a.sum()) / total_a, float(top_b.sum()) / total_b
    value = ratio_a - ratio_b
    if count < 2:
        return Estimate(value, None, None, count, total_a + total_b)
    residuals = (top_a - ratio_a * bottom_a) / total_a - (top_b - ratio_b * bottom_b) / total_b
    spread = Z95 * math.sqrt(float((residuals**2).sum()) * count / (count - 1))
    return Estimate(value, value - spread, value + spread, count, total_a + total_b)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share of n independent observations."""
    if not 0 <= share <= 1:
        return share, share
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2)) / (1 + Z95**2 / n)
    return centre - spread, centre + spread


def _bootstrap(top: Floats, bottom: Floats, draws: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(top), np.full(len(top), 1 / len(top)), size=draws)
    below = times @ bottom
    values = (times @ top)[below > 0] / below[below > 0]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
