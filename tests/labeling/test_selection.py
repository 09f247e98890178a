"""Which comparisons are ranked next, where a reward model chooses a share of them."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from insights import reports
from insights.live_progress import live_progress
from insights.models import Judgement
from labeling import candidates, leases, projects, rankings, scoring, selection, stock
from labeling.admin.project_form import ProjectForm
from labeling.errors import Invalid
from labeling.models import Comparison, Project
from sampler import registry, rewards
from sampler.classifiers.base import Conversation
from sampler.models import ModelVersion, RewardScore
from tests import makers
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db

MARGIN, RANDOM, REST = "margin", "random", "rest"


@pytest.fixture
def judge() -> ModelVersion:
    return registry.register_model(slug="rm", location="/nowhere", engine="hf", role="reward")[0]


def choose(project: Project, judge: ModelVersion, share: float, *, prompts: int = 0) -> Project:
    """A project of pairs whose reward model chooses that share; with so many comparisons asked for."""
    changed = projects.change_settings(
        project=project, margin_share=share, margin_model=judge, completions_per_comparison=2, stock_target=prompts
    )
    texts = [[{"role": "user", "content": f"Prompt {number}?"}] for number in range(prompts)]
    projects.add_prompts(project=project, prompts=texts)
    stock.keep_stock()
    return changed


def settle() -> dict[str, int]:
    makers.answer_all()
    return candidates.settle_sampling()


def score(judge: ModelVersion, comparison: Comparison, *scores: float) -> None:
    ids = comparison.candidates.order_by("index").values_list("completion_id", flat=True)
    for completion, value in zip(ids, scores, strict=True):
        RewardScore.objects.create(completion_id=completion, model_version=judge, score=value)


def test_a_margin_is_how_far_the_probability_is_from_one_half() -> None:
    """Three to one: p = 3/4, and 2p - 1 = 1/2."""
    assert selection.sureness([0.0, math.log(3)]) == pytest.approx(0.5)
    assert selection.sureness([2.0, 2.0, 2.0]) == 0
    assert selection.sureness([0.0, math.log(3), math.log(9)]) == pytest.approx((0.5 + 0.5 + 0.8) / 3)
    assert selection.sureness([0.0, 50.0]) == pytest.approx(1)


def test_three_are_held_for_each_that_is_chosen(project: Project, judge: ModelVersion) -> None:
    choose(project, judge, 0.3)
    rng = Random(1)
    comparison = Comparison(project=project)
    found = []
    for _ in range(6000):
        comparison.pk = UUID(int=rng.getrandbits(128), version=4)
        found.append(selection.drawn_for(comparison))
    odds = 3 * 0.3 / 0.7
    assert found.count(MARGIN) / 6000 == pytest.approx(odds / (1 + odds), abs=0.02)
    assert set(found) == {MARGIN, RANDOM}


def test_without_a_share_or_a_model_nothing_is_chosen(project: Project, judge: ModelVersion) -> None:
    choose(project, judge, 0.0, prompts=4)
    assert settle()["opened"] == 4
    assert set(Comparison.objects.values_list("selection", flat=True)) == {""}
    with pytest.raises(Invalid):
        projects.change_settings(project=project, margin_share=0.95)
    with pytest.raises(Invalid, match=r"exist|valid choice"):
        projects.change_settings(project=project, margin_model=makers.make_model("a-policy"))


def test_the_least_sure_are_opened_as_often_as_the_share_says(
    project: Project, judge: ModelVersion, alice: User
) -> None:
    """Two of ten open in their turn, so that at one half two are chosen of those that have scores."""
    project = choose(project, judge, 0.5, prompts=10)
    Comparison.objects.update(selection=RANDOM, votes_wanted=1)
    waiting = list(Comparison.objects.order_by("pk"))
    held = waiting[:8]
    Comparison.objects.filter(pk__in=[one.pk for one in held]).update(selection=MARGIN)
    found = settle()
    assert (found["opened"], found["held"]) == (2, 8)
    assert candidates.settle_sampling() == dict.fromkeys(found, 0)  # what is held is settled
    assert selection.open_chosen() == {MARGIN: 0, REST: 0}  # nothing has scores
    for number, comparison in enumerate(held[:6]):
        score(judge, comparison, 0.0, float(number))
    score(judge, held[7], 0.0, -0.1)  # the order of the two says nothing about how sure it is
    RewardScore.objects.create(
        completion_id=held[6].candidates.order_by("index")[0].completion_id, model_version=judge, score=0.0
    )  # one of two: not yet
    assert selection.open_chosen() == {MARGIN: 2, REST: 0}
    chosen = Comparison.objects.filter(selection_model=judge).order_by("selection_margin")
    assert [one.pk for one in chosen] == [held[0].pk, held[7].pk]
    assert [one.selection_margin for one in chosen] == pytest.approx([0.0, math.tanh(0.05)])
    assert {one.state for one in chosen} == {"open"}
    assert selection.open_chosen() == {MARGIN: 0, REST: 0}  # the share is reached
    given = []
    while (assignment := leases.lease_next(project=project, trainer=alice)[0]) is not None:
        given.append(assignment.comparison_id)
        rankings.submit_ranking(assignment=assignment, groups=[[cid] for cid in assignment.order_shown])
    assert len(given) == 4
    assert given[2:] == [held[0].pk, held[7].pk]


def test_what_is_held_is_not_stock_and_comes_up_when_nobody_chooses(
    project: Project, judge: ModelVersion, alice: User
) -> None:
    project = choose(project, judge, 0.5, prompts=3)
    Comparison.objects.update(selection=MARGIN)
    assert settle()["held"] == 3
    seen = live_progress(project)
    assert (seen["held"], seen["without_completions"]) == (3, 0), "they lack no completion"
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "One more?"}]])
    assert stock.keep_stock() == 1, "a comparison that nobody may rank yet keeps nobody at work"
    Comparison.objects.filter(held_at__isnull=True).update(selection=RANDOM)
    assert settle()["opened"] == 1
    long_ago = timezone.now() - selection.PATIENCE - timedelta(minutes=1)
    Comparison.objects.filter(held_at__isnull=False).update(held_at=long_ago)
    assert selection.open_chosen()[REST] == 0, "something else is there to rank"
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    assert selection.open_chosen()[REST] == 3
    assert set(Comparison.objects.values_list("selection", flat=True)) == {RANDOM, REST}


def test_where_the_share_is_taken_back_all_that_is_held_is_opened(project: Project, judge: ModelVersion) -> None:
    project = choose(project, judge, 0.5, prompts=3)
    Comparison.objects.update(selection=MARGIN)
    settle()
    projects.change_settings(project=project, margin_share=0.0)
    assert selection.open_chosen()[REST] == 3
    assert Comparison.objects.filter(state="open").count() == 3


class Counting:
    """A classifier that likes long answers."""

    weights_hash = "0" * 64

    def scores(self, conversations: Sequence[Conversation]) -> list[tuple[float, ...]]:
        return [(float(len(one[-1]["content"])),) for one in conversations]

    def close(self) -> None:
        raise AssertionError("it is loaded once")


def test_score_goes_on_with_what_comes_to_be_chosen(
    project: Project, judge: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(project, judge, 0.5, prompts=2)
    Comparison.objects.update(selection=MARGIN)
    loaded: list[ModelVersion] = []
    passes: list[float] = []

    def load(version: ModelVersion) -> Counting:
        loaded.append(version)
        return Counting()

    def sleep(seconds: float) -> None:
        passes.append(seconds)
        if len(passes) == 1:
            settle()
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(rewards, "load", load)
    monkeypatch.setattr(time, "sleep", sleep)
    err = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        call_command("score", "demo", "--reward-model", "rm", "--watch", "7", stderr=err)
    assert loaded == [judge]
    assert passes == [7.0, 7.0]
    assert "4 scored now" in err.getvalue()
    assert scoring.to_score(project).count() == RewardScore.objects.count() == 4
    assert scoring.candidates(project).count() == 0


def test_only_a_fair_sample_is_measured_on(project: Project, alice: User) -> None:
    """Agreement and ratings of models leave out what was chosen, and what the choice left over."""
    for chosen in (RANDOM, MARGIN, REST, ""):
        makers.make_ranking(makers.make_comparison(project, selection=chosen), alice)
    reports.refresh(project)
    found = Judgement.objects.values_list("comparison__selection", "extra")
    assert dict(found) == {RANDOM: False, MARGIN: True, REST: True, "": False}


def test_the_form_wants_a_model_with_a_share(project: Project, judge: ModelVersion) -> None:
    values = {name: value for name, value in ProjectForm(instance=project).initial.items() if value is not None}
    form = ProjectForm(instance=project, data={**values, "margin_share": "0.3"})
    assert "margin_model" in form.errors
    form = ProjectForm(instance=project, data={**values, "margin_share": "0.3", "margin_model": str(judge.pk)})
    assert not form.errors.get("margin_model")
    assert not form.errors.get("margin_share")


def test_an_export_says_why_a_comparison_was_ranked(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    chosen = makers.make_comparison(project, k=2, selection=MARGIN, selection_margin=0.25)
    makers.make_ranking(chosen, alice)
    export(project, tmp_path / "out")
    for config in ("rankings", "preferences"):
        found = {
            row["prompt_id"]: (row["selection"], row["selection_margin"]) for row in rows(tmp_path / "out", config)
        }
        assert len(found) == 2
        assert found.pop(str(chosen.pk)) == (MARGIN, 0.25)
        assert list(found.values()) == [(None, None)]
    archived = {json.loads(row["record"]).get("selection") for row in rows(tmp_path / "out", "raw")}
    assert archived == {"", MARGIN}
