"""Planted parameters, many seeds: intervals hold what they promise. The slow tier."""

from __future__ import annotations

import numpy as np
import pytest

from common.stats.arrays import Floats
from common.stats.bradley_terry import bradley_terry
from common.stats.drift import cusum
from common.stats.plackett_luce import plackett_luce
from tests.common.test_ratings import THETA, make_pairs

pytestmark = pytest.mark.slow
SEEDS = 100
CENTRED = THETA - THETA.mean()


def plain_half_widths(pairs: dict[str, Floats], estimate: Floats) -> Floats:
    """1.96 standard errors of a plain maximum-likelihood fit, strengths constrained to sum zero."""
    n = len(pairs["outcome"])
    design = np.zeros((n, 6))
    design[np.arange(n), pairs["first"]] = 1
    design[np.arange(n), pairs["second"]] = -1
    design[:, 4], design[:, 5] = pairs["longer"], pairs["shown_first"]
    p = 1 / (1 + np.exp(-design @ estimate))
    widths: Floats = 1.96 * np.sqrt(np.diag(np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))))
    return widths


def test_planted_strengths_length_and_position_lie_in_their_intervals_in_90_of_100_seeds() -> None:
    planted = np.append(CENTRED, [0.4, 0.15])
    inside, widest = np.zeros(6, dtype=int), 0.0
    for seed in range(SEEDS):
        pairs = make_pairs(1500, seed, length=0.4, place=0.15)
        fit = bradley_terry(
            pairs["first"],
            pairs["second"],
            pairs["outcome"],
            models=4,
            clusters=pairs["prompt"],
            features=[pairs["longer"], pairs["shown_first"]],
            names=["length", "position"],
        )
        effects = [fit.effects["length"], fit.effects["position"]]
        low = np.append(fit.low, [e.low for e in effects])
        high = np.append(fit.high, [e.high for e in effects])
        inside += (low <= planted) & (planted <= high)
        estimate = np.append(fit.strengths, [e.value for e in effects])
        widest = max(widest, float(((high - low) / 2 / plain_half_widths(pairs, estimate)).max()))
    assert inside.min() >= 90, inside
    assert widest <= 2, widest


def test_bootstrap_intervals_of_strengths_hold_too() -> None:
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        pairs = make_pairs(600, 1000 + seed)
        fit = bradley_terry(
            pairs["first"], pairs["second"], pairs["outcome"], models=4, clusters=pairs["prompt"], seed=seed
        )
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert inside.min() >= 90, inside


def test_plackett_luce_intervals_hold() -> None:
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        orders = [np.argsort(-(THETA + rng.gumbel(size=4))) for _ in range(200)]
        fit = plackett_luce([tuple((int(m),) for m in order) for order in orders], range(200), models=4)
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert inside.min() >= 90, inside


def test_a_trainer_falling_from_80_to_60_percent_is_flagged_within_60_pairs_with_few_false_alarms() -> None:
    rng = np.random.default_rng(11)
    false_alarms = sum(cusum(rng.random(500) < 0.8).alarm_at is not None for _ in range(2000)) / 2000
    delays = []
    for _ in range(1000):
        found = cusum(np.r_[rng.random(100) < 0.8, rng.random(500) < 0.6]).alarm_at
        if found is None or found > 100:
            delays.append((found or 600) - 100)
    assert false_alarms <= 0.05
    assert np.median(delays) <= 60
    assert np.percentile(delays, 90) <= 100
