"""Whether labels follow something other than quality: length, and the place on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc  # chi-square's tail; scipy.stats takes a second to import, in every process

from common.stats.intervals import Estimate, ratio


def longer_wins(chosen_length: ArrayLike, rejected_length: ArrayLike, clusters: ArrayLike) -> Estimate:
    """Share of strict pairs of unequal length won by the longer text; one half means that length does not matter."""
    chosen, rejected = np.asarray(chosen_length, dtype=float), np.asarray(rejected_length, dtype=float)
    return ratio(chosen > rejected, chosen != rejected, clusters)


def matched_length(
    outcome: ArrayLike, first_length: ArrayLike, second_length: ArrayLike, clusters: ArrayLike, within: float = 0.1
) -> Estimate:
    """Win rate of the first over pairs whose lengths differ by at most `within` of the longer."""
    left, right = np.asarray(first_length, dtype=float), np.asarray(second_length, dtype=float)
    near = (np.abs(left - right) <= within * np.maximum(left, right)).astype(float)
    return ratio(np.asarray(outcome, dtype=float) * near, near, clusters)


@dataclass(frozen=True)
class PositionTest:
    """How often the text in each place won, against chance."""

    wins: tuple[float, ...]  # by place on the screen, first to last; a shared first place is divided
    exposures: tuple[int, ...]
    expected: tuple[float, ...]
    chi_square: float | None
    degrees: int
    p_value: float | None


def position_test(rankings: Sequence[tuple[int, Sequence[int]]]) -> PositionTest:
    """Chi-square of wins by place against uniform, with K-1 degrees of freedom for each K met.

    A ranking is (K, places on the screen of the texts in its best group). Rankings that put all in
    one group say nothing and are left out.
    """
    told = [(k, places) for k, places in rankings if 0 < len(places) < k]
    widest = max((k for k, _ in told), default=0)
    wins, expected, exposures = np.zeros(widest), np.zeros(widest), np.zeros(widest, dtype=int)
    total, degrees = 0.0, 0
    for size in sorted({k for k, _ in told}):
        own = np.zeros(size)
        rows = [places for k, places in told if k == size]
        for places in rows:
            own[list(places)] += 1 / len(places)
        chance = len(rows) / size
        total += float(((own - chance) ** 2 / chance).sum())
        degrees += size - 1
        wins[:size] += own
        expected[:size] += chance
        exposures[:size] += len(rows)
    return PositionTest(
        tuple(map(float, wins)),
        tuple(map(int, exposures)),
        tuple(map(float, expected)),
        total if degrees else None,
        degrees,
        float(chdtrc(degrees, total)) if degrees else None,
    )
