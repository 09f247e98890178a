"""What a model of paired comparisons gives: strengths with intervals, and the familiar scales."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats, counted
from common.stats.intervals import Estimate

PRIOR = 0.01  # of a squared strength: a hundredth of a pair


@dataclass(frozen=True)
class Fit:
    """Strengths (log-odds, sum zero) and effects with 95% intervals; `tie` is Davidson's nu."""

    strengths: Floats
    low: Floats
    high: Floats
    effects: dict[str, Estimate] = field(default_factory=dict)
    tie: float | None = None
    pairs: int = 0
    clusters: int = 0


def elo(strength: ArrayLike) -> Floats:
    """Strength on the familiar scale: 1000 is the mean, 400 points are odds of ten to one."""
    scaled: Floats = 400 / math.log(10) * np.asarray(strength, dtype=float) + 1000
    return scaled


def relative_difference(a: ArrayLike, b: ArrayLike) -> Floats:
    """(a - b) / (a + b) in units of its root mean square: how much longer, or richer in lists, the first is.

    Divided but not centred: exchanging first and second must only change the sign.
    """
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    total = left + right
    raw = np.divide(left - right, total, out=np.zeros_like(total), where=total > 0)
    scale = float(np.sqrt(np.mean(raw**2))) if len(raw) else 0.0
    scaled: Floats = raw / scale if scale > 0 else raw
    return scaled


def win_rates(first: ArrayLike, second: ArrayLike, outcome: ArrayLike, *, models: int) -> tuple[Floats, Floats]:
    """Points of row against column, and number of pairs; a tie is half a point."""
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    points = counted(i * models + j, y, models**2).reshape(models, models)
    points = points + counted(j * models + i, 1 - y, models**2).reshape(models, models)
    counts = np.bincount(i * models + j, minlength=models**2).reshape(models, models).astype(float)
    both: Floats = counts + counts.T
    return points, both
