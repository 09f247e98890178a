"""Strengths of models: against a maintained implementation, closed forms, and brute force."""

from __future__ import annotations

import itertools
import math

import choix
import numpy as np
import pytest

from common.stats.bias import longer_wins, matched_length, position_test
from common.stats.bradley_terry import bradley_terry
from common.stats.davidson import davidson
from common.stats.drift import cusum
from common.stats.fit import elo, relative_difference, win_rates
from common.stats.intervals import ratio, wilson
from common.stats.plackett_luce import log_likelihood, plackett_luce

THETA = np.array([0.8, 0.1, -0.3, -0.6])


def make_pairs(n: int, seed: int, length: float = 0.0, place: float = 0.0) -> dict[str, np.ndarray]:
    """Votes of known strengths, and effects of length and of being shown first; two pairs a prompt."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, n)
    second = (first + rng.integers(1, 4, n)) % 4
    sizes = rng.lognormal(5, 0.6, (2, n))
    longer = relative_difference(sizes[0], sizes[1])
    shown_first = rng.choice([-1.0, 1.0], n)
    chance = 1 / (1 + np.exp(-(THETA[first] - THETA[second] + length * longer + place * shown_first)))
    return {
        "first": first,
        "second": second,
        "outcome": (rng.random(n) < chance).astype(float),
        "longer": longer,
        "shown_first": shown_first,
        "prompt": np.arange(n) // 2,
    }


def test_bradley_terry_equals_the_maintained_implementation() -> None:
    pairs = make_pairs(2000, 1)
    won = [
        (int(a), int(b)) if y else (int(b), int(a))
        for a, b, y in zip(pairs["first"], pairs["second"], pairs["outcome"], strict=True)
    ]
    theirs = choix.opt_pairwise(4, won, alpha=1e-6)
    ours = bradley_terry(
        pairs["first"], pairs["second"], pairs["outcome"], models=4, clusters=pairs["prompt"], prior=1e-6, draws=0
    )
    assert ours.strengths == pytest.approx(theirs - theirs.mean(), abs=1e-4)
    assert ours.strengths.sum() == pytest.approx(0, abs=1e-9)


def test_two_models_have_the_closed_form_and_a_tie_counts_as_half_a_win() -> None:
    # 6 wins, 2 losses and 4 ties: 8 of 12 points, log-odds ln 2 between them
    fit = bradley_terry([0] * 12, [1] * 12, [1.0] * 6 + [0.0] * 2 + [0.5] * 4, models=2, clusters=range(12), prior=1e-9)
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(2), abs=1e-6)
    assert elo(fit.strengths)[0] - 1000 == pytest.approx(400 / math.log(10) * math.log(2) / 2, abs=1e-4)
    assert fit.low[0] < fit.strengths[0] < fit.high[0]


def test_davidson_has_the_closed_form_for_two_models() -> None:
    # pi_1 / pi_2 = wins / losses, nu = ties / sqrt(wins * losses)
    fit = davidson([0] * 12, [1] * 12, [1.0] * 6 + [0.0] * 2 + [0.5] * 4, models=2, clusters=range(12), prior=1e-10)
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(3), abs=1e-5)
    assert fit.tie == pytest.approx(4 / math.sqrt(12), abs=1e-5)


def test_a_model_never_beaten_and_one_never_met_stay_finite() -> None:
    fit = bradley_terry([0, 0, 0], [1, 1, 1], [1.0, 1.0, 1.0], models=3, clusters=[0, 1, 2], draws=20)
    assert np.isfinite(fit.strengths).all()
    assert fit.strengths[2] == pytest.approx(0, abs=1e-9)


def test_exchanging_first_and_second_changes_nothing() -> None:
    pairs = make_pairs(400, 2, length=0.5)
    one = bradley_terry(
        pairs["first"],
        pairs["second"],
        pairs["outcome"],
        models=4,
        clusters=pairs["prompt"],
        features=[pairs["longer"]],
        names=["length"],
    )
    other = bradley_terry(
        pairs["second"],
        pairs["first"],
        1 - pairs["outcome"],
        models=4,
        clusters=pairs["prompt"],
        features=[-pairs["longer"]],
        names=["length"],
    )
    assert one.strengths == pytest.approx(other.strengths, abs=1e-9)
    assert one.effects["length"].value == pytest.approx(other.effects["length"].value, abs=1e-9)


def test_one_prompt_alone_has_no_interval() -> None:
    fit = bradley_terry([0, 0], [1, 1], [1.0, 0.0], models=2, clusters=[5, 5])
    assert np.isnan(fit.low).all()


def brute_force(pattern: tuple[tuple[int, ...], ...], theta: np.ndarray) -> float:
    """Mean of the plain Plackett-Luce probability over all linear extensions."""
    orders = [sum(parts, ()) for parts in itertools.product(*(list(itertools.permutations(g)) for g in pattern))]
    total = 0.0
    for order in orders:
        worth = np.exp(theta[list(order)])
        total += math.prod(worth[k] / worth[k:].sum() for k in range(len(order) - 1))
    return total / len(orders)


@pytest.mark.parametrize(
    "pattern", [((0,), (1,), (2,)), ((0, 1), (2, 3)), ((2,), (0, 0, 1), (3,)), ((0, 1, 2, 3),), ((3, 1), (0,), (2, 2))]
)
def test_plackett_luce_with_ties_equals_the_mean_over_linear_extensions(pattern: tuple[tuple[int, ...], ...]) -> None:
    value, gradient = log_likelihood(pattern, THETA)
    assert math.exp(value) == pytest.approx(brute_force(pattern, THETA), rel=1e-9)
    for k in range(4):
        move = np.zeros(4)
        move[k] = 1e-6
        slope = (log_likelihood(pattern, THETA + move)[0] - log_likelihood(pattern, THETA - move)[0]) / 2e-6
        assert gradient[k] == pytest.approx(slope, abs=1e-6)


def test_plackett_luce_equals_the_maintained_implementation_on_strict_rankings() -> None:
    rng = np.random.default_rng(3)
    orders = [tuple(int(m) for m in np.argsort(-(THETA + rng.gumbel(size=4)))) for _ in range(400)]
    fit = plackett_luce([tuple((m,) for m in order) for order in orders], range(400), models=4, prior=1e-6)
    theirs = choix.opt_rankings(4, orders, alpha=1e-6)
    assert fit.strengths == pytest.approx(theirs - theirs.mean(), abs=1e-3)
    assert (fit.low < fit.strengths).all()


def test_win_rates_count_ties_as_half_for_both() -> None:
    points, counts = win_rates([0, 0, 1], [1, 1, 0], [1.0, 0.5, 1.0], models=2)
    assert points.tolist() == [[0, 1.5], [1.5, 0]]
    assert counts[0, 1] == counts[1, 0] == 3


def test_length_bias_counts_strict_pairs_of_unequal_length() -> None:
    found = longer_wins([10, 5, 8, 7], [5, 10, 2, 7], [1, 2, 3, 4])
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 3
    assert matched_length([1, 0, 1], [100, 10, 99], [95, 90, 100], [1, 2, 3]).value == 1


def test_positions_of_fair_votes_pass_and_of_lazy_votes_fail() -> None:
    rng = np.random.default_rng(4)
    fair = position_test([(4, [int(rng.integers(4))]) for _ in range(2000)])
    lazy = position_test([(4, [0 if rng.random() < 0.2 else int(rng.integers(4))]) for _ in range(2000)])
    assert fair.degrees == 3
    assert (fair.p_value or 0) > 0.01
    assert (lazy.p_value or 1) < 1e-6
    assert position_test([(2, [0, 1])]).p_value is None
    # by hand: 30, 10 of 40 against 20 each: chi-square 10 with one degree
    assert position_test([(2, [0])] * 30 + [(2, [1])] * 10).chi_square == pytest.approx(10)


def test_an_interval_resamples_prompts_not_pairs() -> None:
    rng = np.random.default_rng(5)
    per_prompt = np.repeat((rng.random(50) < 0.7).astype(float), 6)  # six pairs of a prompt that always agree
    clustered = ratio(per_prompt, np.ones(300), np.repeat(np.arange(50), 6))
    naive = ratio(per_prompt, np.ones(300), np.arange(300))
    assert (clustered.half_width or 0) > 2 * (naive.half_width or 1)
    assert clustered.clusters == 50


def test_edges_of_intervals_say_what_is_known() -> None:
    assert ratio([], [], []).value is None
    assert ratio([1], [1], [1]).low is None
    certain = ratio([1] * 20, [1] * 20, range(20))
    assert certain.low == pytest.approx(wilson(1.0, 20)[0])
    large = ratio(np.tile([1, 0, 1], 1000), np.ones(3000), np.arange(3000))
    assert large.half_width == pytest.approx(1.96 * math.sqrt(2 / 9 / 3000), rel=1e-2)


def test_cusum_rings_on_a_fall_and_restarts_at_zero() -> None:
    steady = cusum([True] * 50)
    assert steady.alarm_at is None
    assert steady.score == 0
    fallen = cusum([True] * 20 + [False] * 12)
    assert fallen.alarm_at == 30
    assert (fallen.n, fallen.right) == (32, 20)
    with pytest.raises(ValueError, match="failing < good"):
        cusum([], good=0.5, failing=0.6)
