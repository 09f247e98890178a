"""Planted parameters, many seeds: intervals hold what they promise. The slow tier."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from common.stats import consensus
from common.stats.arrays import Floats, Integers
from common.stats.bradley_terry import bradley_terry
from common.stats.davidson import davidson
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


@pytest.mark.parametrize("clustered", [True, False])
def test_davidson_intervals_hold_where_pairs_of_a_prompt_go_together(clustered: bool) -> None:
    """Each prompt has a mood of its own that all its six pairs share. The control takes the pairs for independent, and
    its intervals are too narrow."""
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        prompts, pairs = 150, 6
        prompt = np.repeat(np.arange(prompts), pairs)
        one = rng.integers(0, 4, prompts)
        first, second = np.repeat(one, pairs), np.repeat((one + rng.integers(1, 4, prompts)) % 4, pairs)
        outcome = tied_outcomes(rng, first, second, again=rng.random(prompts * pairs) < 0.6)
        fit = davidson(first, second, outcome, models=4, clusters=prompt if clustered else range(len(prompt)))
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert (inside.min() >= 90) == clustered, inside


def tied_outcomes(rng: np.random.Generator, first: Integers, second: Integers, *, again: NDArray[np.bool_]) -> Floats:
    """Drawn from Davidson's model, one pair at a time; `again`: as the pair before it of the same prompt."""
    found: list[float] = []
    for i, j, same in zip(first, second, again, strict=True):
        if same and found and len(found) % 6:
            found.append(found[-1])
            continue
        worth = math.exp(THETA[i]), math.exp(THETA[j])
        chances = worth[0], 0.7 * math.sqrt(worth[0] * worth[1]), worth[1]
        drawn = rng.random() * sum(chances)
        found.append(1.0 if drawn < chances[0] else 0.5 if drawn < chances[0] + chances[1] else 0.0)
    return np.array(found)


def votes_of(rng: np.random.Generator, noise: float, k: int) -> list[str]:
    """One person's order of k answers whose true order is a, b, c …, read with some noise."""
    felt = [place + rng.normal(0, noise) for place in range(k)]
    return ["abcdefghi"[place] for place in sorted(range(k), key=lambda place: felt[place])]


@pytest.mark.parametrize("method", sorted(consensus.METHODS))
def test_a_consensus_by_label_weight_is_right_more_often_than_one_that_does_not_know_whom_to_trust(method: str) -> None:
    """One careful person (weight 1) and two careless ones (0.2). The control leaves the weights out."""
    rng = np.random.default_rng(17)
    right = {"weighted": 0.0, "plain": 0.0}
    trials, k = 400, 3
    for _ in range(trials):
        votes = [[[one] for one in votes_of(rng, noise, k)] for noise in (0.6, 4.0, 4.0)]
        for name, weights in (("weighted", [1.0, 0.2, 0.2]), ("plain", [1.0, 1.0, 1.0])):
            place = {one: at for at, group in enumerate(consensus.METHODS[method](votes, weights)) for one in group}
            right[name] += sum(place[a] < place[b] for a, b in ("ab", "ac", "bc")) / 3 / trials
    assert right["weighted"] >= right["plain"] + 0.08, right
    assert right["weighted"] >= 0.85, right
