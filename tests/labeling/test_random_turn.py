"""The random turn is uniform and can be replayed; the mixture of model versions is the one asked for."""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random

import pytest
from scipy import stats

from accounts.models import User
from labeling import projects, randomness
from labeling.models import ComparisonRequest, Project, TurnDraw
from tests import makers

DRAWS = 10_000
TURNS = [f"turn-{number}" for number in range(7)]


def drawn(policy: str = "uniform", n: int = 1) -> list[int]:
    rng = Random(20260101)
    counts: Counter[str] = Counter()
    for _ in range(DRAWS):
        counts.update(randomness.draw_turns(policy=policy, eligible=TURNS, n=n, seed=rng.getrandbits(62)))
    return [counts[turn] for turn in TURNS]


def test_the_draw_is_uniform_over_the_eligible_turns() -> None:
    assert stats.chisquare(drawn()).pvalue > 0.001


def test_several_draws_are_uniform_and_never_the_same_turn_twice() -> None:
    assert stats.chisquare(drawn(n=3)).pvalue > 0.001
    for seed in range(200):
        picks = randomness.draw_turns(policy="uniform", eligible=TURNS, n=3, seed=seed)
        assert len(set(picks)) == 3


def test_a_biased_draw_would_be_noticed() -> None:
    """The control: a draw that prefers one turn a little fails the same test."""
    rng = Random(20260101)
    counts = Counter(rng.choices(TURNS, weights=[1.15] + [1] * (len(TURNS) - 1), k=DRAWS))
    assert stats.chisquare([counts[turn] for turn in TURNS]).pvalue < 0.001


def test_depth_weighted_draws_follow_their_weights() -> None:
    seen = drawn("depth")
    weights = range(1, len(TURNS) + 1)
    expected = [DRAWS * weight / sum(weights) for weight in weights]
    assert stats.chisquare(seen, expected).pvalue > 0.001


@pytest.mark.django_db
def test_a_stored_draw_can_be_replayed(project: Project, alice: User) -> None:
    for number in range(5):
        makers.make_chat(project, alice, turns=2 + number % 3, submit=True)
    draws = list(TurnDraw.objects.all())
    assert len(draws) == 5
    for draw in draws:
        again = randomness.draw_turns(policy=draw.policy, eligible=draw.eligible, n=len(draw.drawn), seed=draw.seed)
        assert again == draw.drawn


@pytest.mark.django_db
def test_the_mixture_of_model_versions_is_within_its_binomial_interval(
    alice: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(randomness, "new_seed", partial(Random(20260101).getrandbits, 62))
    heavy, light = makers.make_model("heavy"), makers.make_model("light")
    projects.open_round(project=project, policies=[(heavy, 3.0, {"temperature": 0.5}), (light, 1.0, {})])
    for _ in range(40):
        makers.make_chat(project, alice, submit=True)
    wanted: Counter[str] = Counter()
    for row in ComparisonRequest.objects.select_related("request__model_version"):
        wanted[row.request.model_version.slug] += row.request.n
        if row.request.model_version == heavy:
            assert row.request.params["temperature"] == 0.5  # each policy brings its own parameters
    total = wanted["heavy"] + wanted["light"]
    assert total >= 100
    assert stats.binomtest(wanted["heavy"], total, 0.75).pvalue > 0.0001
    assert stats.binomtest(wanted["heavy"], total, 0.5).pvalue < 0.05  # an even mixture would be noticed
