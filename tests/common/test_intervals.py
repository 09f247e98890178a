"""Intervals of shares and of differences of shares, whole clusters resampled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.stats import intervals
from common.stats.arrays import Floats
from common.stats.intervals import difference


def test_a_difference_of_independent_shares_has_the_textbook_interval() -> None:
    ones = np.ones(200)
    won = np.r_[np.ones(70), np.zeros(30), np.ones(45), np.zeros(55)]
    ours = np.r_[np.ones(100), np.zeros(100)]
    found = difference((won * ours, ours), (won * (1 - ours), 1 - ours), np.arange(200))
    spread = 1.959964 * math.sqrt((0.7 * 0.3 + 0.45 * 0.55) / 100 * 200 / 199)
    assert found.value == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx((0.25 - spread, 0.25 + spread), abs=1e-6)
    assert found.clusters == ones.sum()


def test_a_cluster_that_holds_both_parts_cancels_what_it_shares() -> None:
    level = np.repeat(np.random.default_rng(0).random(50), 2)
    ours = np.tile([1.0, 0.0], 50)
    won = level + 0.1 * ours
    found = difference((won * ours, ours), (won * (1 - ours), 1 - ours), np.repeat(np.arange(50), 2))
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1), abs=1e-9)


def test_a_difference_with_an_empty_part_is_unknown() -> None:
    assert difference(([], []), ([], []), []).value is None
    assert difference(([1], [1]), ([0], [0]), [1]).value is None


def test_intervals_of_differences_hold_the_truth_in_95_of_100_draws() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        prompt = np.repeat(np.arange(80), 4)
        leaning = np.repeat(rng.normal(0, 0.1, 80), 4)
        ours = (rng.random(320) < 0.25).astype(float)
        won = (rng.random(320) < np.clip(0.5 + leaning + 0.1 * ours, 0, 1)).astype(float)
        found = difference((won * ours, ours), (won * (1 - ours), 1 - ours), prompt)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.1 <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_the_interval_of_a_statistic_of_sums_is_that_of_the_ratio_resampled_or_linearised() -> None:
    """A ratio is such a statistic; on both sides of the number of clusters from which intervals are linearised."""
    rng = np.random.default_rng(3)
    for clusters in (400, 3000):
        bottom = rng.integers(1, 7, clusters).astype(float)
        top = rng.binomial(bottom.astype(int), 0.7).astype(float)
        wanted = intervals.ratio(top, bottom, range(clusters))
        found = intervals.of_sums(np.column_stack([top, bottom]), lambda sums: float(sums[0] / sums[1]))
        assert found == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_both_ways_give_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    sums = rng.integers(1, 9, (1500, 3)).astype(float)

    def statistic(sums: Floats) -> float:
        return float(sums[0] / sums[1] - sums[2] / sums.sum())

    resampled = intervals.of_sums(sums, statistic, draws=4000)
    monkeypatch.setattr(intervals, "BOOTSTRAP_UP_TO", 100)
    assert intervals.of_sums(sums, statistic) == pytest.approx(resampled, abs=2e-3)
