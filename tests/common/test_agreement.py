"""Agreement: published toy examples, maintained libraries, and a brute-force reference."""

from __future__ import annotations

import itertools
import math
import random
from typing import Literal

import krippendorff
import numpy as np
import pytest
from scipy.stats import kendalltau

from common.stats import agreement
from common.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, pair_agreement, signs, tau_b

NAN = math.nan


def random_ranks(rng: random.Random, k: int) -> list[int]:
    """Dense ranks of a random ordered partition."""
    raw = [rng.randrange(k) for _ in range(k)]
    order = sorted(set(raw))
    return [order.index(r) for r in raw]


def reference(a: list[int], b: list[int]) -> tuple[float, float, float | None, float | None]:
    """Straight from the definitions, one pair at a time."""
    strict, discounted, excluded, both, c, d, n1, n2 = 0, 0.0, 0, 0, 0, 0, 0, 0
    pairs = list(itertools.combinations(range(len(a)), 2))
    for i, j in pairs:
        left = 0 if a[i] == a[j] else 1 if a[i] < a[j] else -1
        right = 0 if b[i] == b[j] else 1 if b[i] < b[j] else -1
        n1, n2 = n1 + (left == 0), n2 + (right == 0)
        if left == right:
            strict, discounted = strict + 1, discounted + 1
        elif left == 0 or right == 0:
            discounted += 0.5
        if left and right:
            both, excluded = both + 1, excluded + (left == right)
            c, d = c + (left == right), d + (left != right)
    n0 = len(pairs)
    under = (n0 - n1) * (n0 - n2)
    return (
        strict / n0,
        discounted / n0,
        excluded / both if both else None,
        (c - d) / math.sqrt(under) if under else None,
    )


def test_pair_agreement_and_tau_b_equal_a_brute_force_reference_on_1000_random_rankings() -> None:
    rng = random.Random(6)
    for _ in range(1000):
        k = rng.randint(2, 9)
        a, b = random_ranks(rng, k), random_ranks(rng, k)
        found = pair_agreement(signs(a), signs(b))
        strict, discounted, excluded, tau = reference(a, b)
        assert found.strict == pytest.approx(strict, abs=1e-12)
        assert found.tie_discounted == pytest.approx(discounted, abs=1e-12)
        assert found.tie_excluded == (None if excluded is None else pytest.approx(excluded, abs=1e-12))
        assert tau_b(a, b) == (None if tau is None else pytest.approx(tau, abs=1e-12))


def test_tau_b_equals_scipy_with_ties() -> None:
    rng = random.Random(7)
    for _ in range(200):
        a, b = random_ranks(rng, 6), random_ranks(rng, 6)
        if tau_b(a, b) is not None:
            assert tau_b(a, b) == pytest.approx(kendalltau(a, b).statistic, abs=1e-12)


def test_tau_b_is_missing_not_zero_where_a_rater_ties_all() -> None:
    assert tau_b([0, 0, 0], [0, 1, 2]) is None


# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", the twelve units of section C.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


Level = Literal["nominal", "ordinal", "interval"]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_equals_the_published_example_and_the_maintained_library(level: Level, published: float) -> None:
    found = krippendorff_alpha(PUBLISHED, level)
    assert found == pytest.approx(published, abs=5e-4)
    assert found == pytest.approx(krippendorff.alpha(PUBLISHED, level_of_measurement=level), abs=1e-9)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_equals_the_maintained_library_on_random_tables_with_gaps(level: Level) -> None:
    rng = np.random.default_rng(8)
    for _ in range(50):
        table = rng.integers(1, 8, size=(4, 12)).astype(float)
        table[rng.random(table.shape) < 0.3] = NAN
        expected = krippendorff.alpha(table, level_of_measurement=level)
        assert krippendorff_alpha(table, level) == pytest.approx(expected, abs=1e-9)


def test_alpha_is_missing_where_nothing_can_differ() -> None:
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, NAN], [NAN, 2]]) is None
    with pytest.raises(ValueError, match="not nominal"):
        krippendorff_alpha([[1, 2]], "ratio")


def test_cohen_kappa_equals_the_textbook_example() -> None:
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: p_o = 0.7, p_e = 0.5, kappa = 0.4
    a = [1] * 25 + [0] * 25
    b = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(a, b) == pytest.approx(0.4, abs=1e-6)
    assert cohen_kappa([1, 1], [1, 1]) is None
    assert cohen_kappa([], []) is None


def test_quadratic_kappa_equals_its_definition_as_one_less_squared_distances() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.integers(1, 8, 200), rng.integers(1, 8, 200)
    observed = ((a - b) ** 2).mean()
    by_chance = np.subtract.outer(a, b).astype(float).__pow__(2).mean()
    found = cohen_kappa(list(a), list(b), weights="quadratic", categories=range(1, 8))
    assert found == pytest.approx(1 - observed / by_chance, abs=1e-9)
    with pytest.raises(ValueError, match="quadratic"):
        cohen_kappa([1], [1], weights="linear")


def test_votes_needed_follows_the_noise_model_of_the_published_rate() -> None:
    accuracy = agreement.rater_accuracy(0.726)
    assert accuracy == pytest.approx(0.836, abs=1e-3)
    assert agreement.majority_accuracy(accuracy or 0, 3) == pytest.approx(0.928, abs=1e-3)
    assert agreement.votes_needed(0.726, 0.9) == 3
    assert agreement.votes_needed(0.51, 0.99) is None
    assert agreement.rater_accuracy(0.4) is None
    assert agreement.majority_accuracy(0.8, 2) == pytest.approx(0.8)


# Fleiss 1971, table 1: how many of six psychiatrists gave each of 30 patients each of five diagnoses.
FLEISS = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""


def test_fleiss_kappa_of_the_example_that_its_paper_works_out() -> None:
    table = [[int(count) for count in patient] for patient in FLEISS.split()]
    assert len(table) == 30
    assert np.sum(table, axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(table) == pytest.approx(0.430, abs=5e-4)


def test_fleiss_kappa_of_units_with_different_numbers_of_raters_is_its_definition() -> None:
    """Units count alike: the mean share of agreeing pairs of raters, less what the mean shares of the values give."""
    rng = random.Random(4)
    units = [[rng.choice("abc") for _ in range(rng.randint(1, 5))] for _ in range(200)]
    rated = [unit for unit in units if len(unit) > 1]
    agreeing = sum(
        sum(x == y for x, y in itertools.combinations(unit, 2)) / math.comb(len(unit), 2) for unit in rated
    ) / len(rated)
    chance = sum((sum(unit.count(value) / len(unit) for unit in rated) / len(rated)) ** 2 for value in "abc")
    found = fleiss_kappa([[unit.count(value) for value in "abc"] for unit in units])
    assert found == pytest.approx((agreeing - chance) / (1 - chance), abs=1e-12)


def test_fleiss_kappa_says_nothing_where_nothing_can_be_said() -> None:
    assert fleiss_kappa([[1, 0], [0, 1]]) is None  # one rater each
    assert fleiss_kappa([[3, 0], [2, 0]]) is None  # one value only
    assert fleiss_kappa([[2, 0], [0, 2]]) == 1
