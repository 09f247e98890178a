"""`manage.py score`: completions read by a reward model once, and compared with the trainers."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from labeling import scoring
from labeling.models import Comparison, Project
from sampler import registry, rewards
from sampler.models import ModelVersion, RewardScore
from tests.generation.tiny import make_reward_model, make_tiny_model
from tests.makers import make_comparison, make_member, make_model, make_project, make_ranking

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scoring")
    return make_reward_model(folder / "rm", make_tiny_model(folder / "base"))


def make_reward_version(location: Path | str, slug: str = "rm", *, engine: str = "hf") -> ModelVersion:
    return registry.register_model(slug=slug, location=str(location), engine=engine, role="reward")[0]


def run_score(*arguments: str) -> tuple[list[str], dict[str, object]]:
    out = io.StringIO()
    call_command("score", *arguments, stdout=out, stderr=io.StringIO())
    lines = out.getvalue().splitlines()
    return lines, json.loads(lines[-1])


def test_every_completion_is_scored_once(project: Project, alice: User, checkpoint: Path) -> None:
    make_comparison(project)
    make_comparison(project)
    make_reward_version(checkpoint)
    lines, report = run_score("demo", "--reward-model", "rm")
    assert lines[0] == "8 scored now, 0 before"
    assert report["completions"] == RewardScore.objects.count() == 8
    before = list(RewardScore.objects.order_by("pk").values_list("pk", "score"))
    _, again = run_score("demo", "--reward-model", "rm")
    assert (again["scored_now"], again["scored_before"]) == (0, 8)
    assert list(RewardScore.objects.order_by("pk").values_list("pk", "score")) == before
    version = ModelVersion.objects.get(slug="rm")
    assert version.state == "serving"
    assert len(version.weights_hash) == 64


def test_another_round_is_left_alone(project: Project, checkpoint: Path) -> None:
    from labeling.projects import open_round

    make_comparison(project)
    second = open_round(project=project, policies=[(make_model(), 1.0, {})])
    comparison = make_comparison(project)
    assert comparison.round == second
    make_reward_version(checkpoint)
    _, report = run_score("demo", "--reward-model", "rm", "--round", "2")
    assert report["scored_now"] == 4
    scored = set(RewardScore.objects.values_list("completion_id", flat=True))
    assert scored == set(comparison.candidates.values_list("completion_id", flat=True))


def test_agreement_is_counted_over_strict_pairs_by_split(
    project: Project, alice: User, bob: User, checkpoint: Path
) -> None:
    version = make_reward_version(checkpoint)
    test_one = make_comparison(project, votes=2, split="test")
    train_one = make_comparison(project, split="train")
    for comparison, values in ((test_one, [4, 3, 2, 1]), (train_one, [1, 1, 2, 5])):
        for candidate, value in zip(comparison.candidates.order_by("index"), values, strict=True):
            RewardScore.objects.create(completion=candidate.completion, model_version=version, score=value)
    make_ranking(test_one, alice)  # A > B > C > D: all six pairs as scored
    make_ranking(test_one, bob, groups=[[1], [0, 2], [3]])  # B > A = C > D: one of five pairs against the scores
    make_ranking(train_one, alice)  # one pair of equal scores, five against
    found = scoring.agreement(project=project, reward_model=version)
    assert found["test"]["pairs"] == 11
    assert found["test"]["agreement"] == pytest.approx(10 / 11, abs=1e-4)
    assert found["test"]["comparisons"] == 1
    assert found["test"]["low"] is None  # one comparison says nothing about others
    assert found["train"] == {
        "rankings": 1, "comparisons": 1, "pairs": 6, "agreement": round(0.5 / 6, 4), "low": None, "high": None,
    }  # fmt: skip


def test_undone_and_discarded_judgements_do_not_count(project: Project, alice: User, checkpoint: Path) -> None:
    from labeling.comparisons import discard
    from labeling.corrections import undo_ranking

    version = make_reward_version(checkpoint)
    undone, discarded = make_comparison(project), make_comparison(project)
    for comparison in (undone, discarded):
        for candidate in comparison.candidates.all():
            RewardScore.objects.create(completion=candidate.completion, model_version=version, score=candidate.index)
    ranking = make_ranking(undone, alice)
    assert ranking.assignment is not None
    undo_ranking(assignment=ranking.assignment)
    make_ranking(discarded, alice)
    discard(comparison=discarded, reason="unsafe")
    found = scoring.agreement(project=project, reward_model=version)
    assert all(split["pairs"] == 0 and split["agreement"] is None for split in found.values())


def test_means_are_kept_apart_by_model_version(project: Project, checkpoint: Path) -> None:
    version = make_reward_version(checkpoint)
    fake = make_model("fake")
    comparison = make_comparison(project)
    for candidate, value in zip(comparison.candidates.order_by("index"), [1, 2, 3, 6], strict=True):
        RewardScore.objects.create(completion=candidate.completion, model_version=version, score=value)
    found = scoring.mean_scores(project=project, reward_model=version)
    assert found == {fake.slug: {"n": 4, "mean": 3.0}}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--reward-model", "rm"], "no project 'nowhere'"),
        (["demo", "--reward-model", "nothing"], "no model version 'nothing'"),
        (["demo", "--reward-model", "policy"], "is a policy"),
        (["demo", "--reward-model", "retired"], "is retired"),
        (["demo", "--reward-model", "gone"], "cannot be used: No model at"),
        (["demo", "--reward-model", "far"], "under the hf engine"),
        (["demo", "--reward-model", "rm", "--round", "7"], r"has no round 7\. There are: 1\."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    project: Project, checkpoint: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    make_comparison(project)
    make_model("policy")
    make_reward_version(checkpoint)
    registry.retire(model_version=make_reward_version(checkpoint, "retired"))
    make_reward_version(tmp_path / "gone", "gone")
    make_reward_version("", "far", engine="fake")
    with pytest.raises(CommandError, match=sentence) as caught:
        run_score(*arguments)
    assert "\n" not in str(caught.value)
    assert not RewardScore.objects.exists()


def test_weights_that_changed_under_a_name_are_refused(project: Project, checkpoint: Path) -> None:
    make_comparison(project)
    version = make_reward_version(checkpoint)
    ModelVersion.objects.filter(pk=version.pk).update(weights_hash="a" * 64)
    with pytest.raises(CommandError, match="Register them as a new version"):
        run_score("demo", "--reward-model", "rm")
    version.refresh_from_db()
    assert version.state == "failed"


def test_a_run_cut_short_is_continued(project: Project, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_comparison(project)
    make_comparison(project)
    version = make_reward_version(checkpoint)
    monkeypatch.setattr(rewards, "BATCH", 3)
    classifier = rewards.load(version)
    calls: list[int] = []

    def scores(conversations: Sequence[object]) -> list[tuple[float, ...]]:
        calls.append(len(conversations))
        if len(calls) == 2:
            raise MemoryError
        return [(0.5,)] * len(conversations)

    monkeypatch.setattr(classifier, "scores", scores)
    monkeypatch.setattr(classifier, "close", lambda: None)
    monkeypatch.setattr(rewards, "load", lambda _: classifier)
    with pytest.raises(MemoryError):
        scoring.score_project(project=project, reward_model=version)
    assert RewardScore.objects.count() == 3
    counts = scoring.score_project(project=project, reward_model=version)
    assert counts == {"completions": 8, "scored_before": 3, "scored_now": 5}


def test_comparisons_still_sampling_are_not_scored(project: Project, checkpoint: Path) -> None:
    make_comparison(project, state=Comparison.State.SAMPLING, opened_at=None)
    make_reward_version(checkpoint)
    assert run_score("demo", "--reward-model", "rm")[1]["completions"] == 0


def test_trainers_of_other_projects_are_not_counted(project: Project, checkpoint: Path) -> None:
    other = make_project("other")
    carol = make_member(other, "carol")
    comparison = make_comparison(other)
    make_ranking(comparison, carol)
    version = make_reward_version(checkpoint)
    assert scoring.agreement(project=project, reward_model=version)["train"]["pairs"] == 0
