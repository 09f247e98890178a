"""Intervals of ratios whose observations come in clusters: pairs of one prompt are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats, counted

DRAWS = 1000  # of a bootstrap
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
    numerators: ArrayLike, denominators: ArrayLike, clusters: ArrayLike, *, draws: int = DRAWS, seed: int = 0
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


def difference_of_shares(
    part: tuple[ArrayLike, ArrayLike], other: tuple[ArrayLike, ArrayLike], clusters: ArrayLike
) -> Estimate:
    """As `difference`, of two shares: no end of the interval lies beyond a whole."""
    found = difference(part, other, clusters)
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(-1.0, found.low), high=min(1.0, found.high))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share of n independent observations."""
    if not 0 <= share <= 1:
        return share, share
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2)) / (1 + Z95**2 / n)
    return max(0.0, centre - spread), min(1.0, centre + spread)  # they lie there, but for the last digit


def resamples(clusters: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """How often each cluster comes in each draw of as many, with replacement."""
    drawn = np.random.default_rng(seed).integers(0, clusters, (draws, clusters))
    drawn += np.arange(draws)[:, None] * clusters
    times: Floats = np.bincount(drawn.ravel(), minlength=draws * clusters).reshape(draws, clusters).astype(float)
    return times


def of_sums(
    sums: Floats, statistic: Callable[[Floats], float | None], *, draws: int = DRAWS, seed: int = 0
) -> tuple[float | None, float | None]:
    """The 95% interval of a statistic of sums over clusters (`sums` has a row a cluster) that no factor changes, by
    resampling whole clusters; for many of them linearised. None where half of the draws tell nothing."""
    clusters = len(sums)
    if clusters <= BOOTSTRAP_UP_TO:
        drawn = (statistic(row) for row in resamples(clusters, draws, seed) @ sums)
        found = [value for value in drawn if value is not None]
        if len(found) < draws / 2:
            return None, None
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)
    total = sums.sum(axis=0)
    value, step = statistic(total), 1e-5 * float(np.abs(total).max())
    slopes = []
    for move in np.eye(len(total)) * step:
        above, below = statistic(total + move), statistic(total - move)
        if value is None or above is None or below is None:
            return None, None
        slopes.append((above - below) / (2 * step))
    pulls = sums @ np.array(slopes)
    pulls -= pulls.mean()
    spread = Z95 * math.sqrt(float((pulls**2).sum()) * clusters / (clusters - 1))
    return (None, None) if value is None else (value - spread, value + spread)


def _bootstrap(top: Floats, bottom: Floats, draws: int, seed: int) -> tuple[float, float]:
    above, below = (resamples(len(top), draws, seed) @ np.column_stack([top, bottom])).T
    values = above[below > 0] / below[below > 0]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
