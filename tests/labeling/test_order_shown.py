"""The order in which completions are shown."""

from __future__ import annotations

from accounts.models import User
from labeling import randomness
from labeling.models import Project
from tests import makers


def chi_square(orders: list[list[str]], ids: list[str]) -> float:
    """Of completion by position, against uniform; (K-1)^2 degrees of freedom."""
    expected = len(orders) / len(ids)
    counts = {(cid, at): 0 for cid in ids for at in range(len(ids))}
    for order in orders:
        for at, cid in enumerate(order):
            counts[cid, at] += 1
    return sum((seen - expected) ** 2 / expected for seen in counts.values())


def test_the_order_shown_is_uniform_and_a_biased_shuffle_would_be_noticed() -> None:
    from random import Random

    from scipy.stats import chi2

    ids = list("abcd")
    bound = chi2.ppf(0.99, (len(ids) - 1) ** 2)
    assert chi_square([randomness.presentation_order(ids, seed) for seed in range(10_000)], ids) < bound

    def biased(seed: int) -> list[str]:  # the classic mistake: swap each place with any place
        rng, order = Random(seed), list(ids)
        for i in range(len(order)):
            j = rng.randrange(len(order))
            order[i], order[j] = order[j], order[i]
        return order

    assert chi_square([biased(seed) for seed in range(10_000)], ids) > bound


def test_presentations_are_stored_and_differ_between_trainers(project: Project, alice: User, bob: User) -> None:
    shown = []
    for _ in range(12):
        comparison = makers.make_comparison(project, k=9, votes=2)
        shown.append([makers.make_lease(comparison, one).order_shown for one in (alice, bob)])
    assert all(sorted(a) == sorted(b) for a, b in shown)
    assert any(a != b for a, b in shown)
