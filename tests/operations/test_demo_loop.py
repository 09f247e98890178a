"""`manage.py demo_loop`: its rule, its project, its table; and in the slow tier the loop itself."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import TypedDict

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from common.shapes import Message
from exports.models import ExportRun
from labeling import comparisons, leases, projects, rankings
from labeling.models import Comparison, Project, Ranking
from labeling.text import prompt_key, split_of
from operations.loop import measure, processes, rule
from operations.loop import project as loop_project
from operations.loop.measure import Row, Versus
from sampler import registry
from sampler.models import Completion, ModelVersion, SampleRequest
from tests.journeys.server import database_url
from tests.makers import make_model, make_user
from tests.sampler.conftest import smollm2_path as smollm2_path  # a fixture


@pytest.fixture(autouse=True)
def _own_models(settings: Settings, tmp_path: Path) -> None:
    settings.MODEL_ROOT = tmp_path / "models"


def build(*, keep: bool = False) -> loop_project.LoopProject:
    return loop_project.build(prompts=8, completions=4, max_tokens=16, keep=keep)


def test_the_rule_puts_fewer_commas_first_then_the_shorter_with_ties() -> None:
    texts = {"a": "one, two", "b": "short", "c": "also short", "d": "no comma, but " + "long " * 20, "e": "x" * 200}
    assert rule.rank(texts) == [["b", "c"], ["e"], ["a"], ["d"]]


def test_a_quarter_of_the_openings_is_held_out() -> None:
    messages: list[list[Message]] = [[{"role": "user", "content": f"Question {n}?"}] for n in range(12)]
    salt = loop_project.salt_for(messages)
    sides = [split_of(salt=salt, key=prompt_key(one), test_share=loop_project.TEST_SHARE) for one in messages]
    assert sides.count("test") == 3
    assert loop_project.salt_for(messages) == salt


@pytest.mark.django_db
def test_the_project_is_marked_and_goes_without_a_trace() -> None:
    own = build()
    assert own.project.throwaway
    assert "simulated" in own.project.title
    assert own.project.prompts.count() == 8
    assert [user.username for user in own.trainers] == ["sim-1", "sim-2", "sim-3"]
    assert not any(user.has_usable_password() for user in own.trainers)
    assert own.folder.is_dir()
    policy = make_model("grown")
    projects.open_round(project=own.project, policies=[(policy, 1.0, {})])
    own.made.append(policy)
    request = SampleRequest.objects.create(model_version=policy, prompt=[])
    Completion.objects.create(request=request, model_version=policy, text="x", finish_reason="stop")
    own.requests.append(request.pk)
    comparisons.bring(
        project=own.project,
        prompt=[{"role": "user", "content": "q"}],
        completions=[{"text": "a", "model_version": "grown"}, {"text": "b", "model_version": "grown"}],
    )
    assignment, _ = leases.lease_next(project=own.project, trainer=own.trainers[0])
    assert assignment is not None
    rankings.submit_ranking(assignment=assignment, groups=[assignment.order_shown])
    loop_project.remove(own)
    for model in (Project, User, Comparison, Ranking, ModelVersion, SampleRequest, Completion, ExportRun):
        assert not model.objects.exists(), model
    assert not own.folder.exists()


@pytest.mark.django_db
def test_a_kept_project_is_not_throwaway_and_keeps_its_trainers() -> None:
    kept = build(keep=True)
    assert not kept.project.throwaway
    make_kept = comparisons.bring(
        project=kept.project, prompt=[{"role": "user", "content": "q"}], completions=[{"text": "a"}, {"text": "b"}]
    )[0]
    assignment, _ = leases.lease_next(project=kept.project, trainer=kept.trainers[0])
    assert assignment is not None
    rankings.submit_ranking(assignment=assignment, groups=[assignment.order_shown])
    Project.objects.filter(pk=kept.project.pk).update(slug="kept")
    other = build()
    loop_project.remove(other)
    assert User.objects.filter(username="sim-1").exists()
    assert make_kept.rankings.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("prompts", [3, 1000])
def test_there_are_only_so_many_openings(prompts: int) -> None:
    with pytest.raises(CommandError, match="--prompts takes 4 to"):
        run_demo("--prompts", str(prompts), policy=make_policy())


@pytest.mark.django_db
def test_a_person_called_like_a_simulated_trainer_is_left_alone() -> None:
    make_user("sim-2")
    with pytest.raises(CommandError, match="a person called sim-2"):
        run_demo("--prompts", "8", policy=make_policy())
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_the_first_policy_has_to_be_one_that_can_be_trained() -> None:
    with pytest.raises(CommandError, match="no policy 'nothing'"):
        run_demo(policy="nothing")
    with pytest.raises(CommandError, match="cannot be trained here"):
        run_demo(policy=make_model("fake").slug)


def test_training_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(loop_project.LoopError, match=r"training\.reward failed: No tokenizer at"):
        processes.run_training(
            "training.reward",
            str(tmp_path),
            str(tmp_path / "none"),
            str(tmp_path / "out"),
            say=told.append,
        )


def test_the_table_tells_intervals_and_small_numbers() -> None:
    everywhere = Versus(8, 17, 15, 1.5, 0.75, 40, 0.7, 0.55, 0.85)
    held_out = Versus(2, 4, 4, None, None, 0, None, None, None)
    row = Row(1, "a", "b", "rm", 8, 40, 11, 0.82, None, None, 6, everywhere, held_out)
    lines = measure.table([row])
    assert len(lines) == 3
    assert "0.82 of 11" in lines[1]
    assert "1.50 -> 0.75 (n 17, 15)" in lines[1]
    assert "0.70 [0.55, 0.85] of 40 pairs" in lines[1]
    assert "none of 0 pairs" in lines[2]


@pytest.mark.django_db
def test_new_is_compared_with_old_within_prompts_ties_counting_half(project: Project, alice: User) -> None:
    old, new = make_model("old"), make_model("new")
    for number in range(2):
        comparisons.bring(
            project=project,
            prompt=[{"role": "user", "content": f"Question {number}?"}],
            completions=[
                {"text": f"one, two, {number}", "model_version": "old"},
                {"text": f"none {number}", "model_version": "new"},
                {"text": f"nothing {number}", "model_version": "old"},
            ],
        )
    while (assignment := leases.lease_next(project=project, trainer=alice)[0]) is not None:
        rows = assignment.comparison.candidates.values_list("completion_id", "completion__text")
        groups = rule.rank({str(cid): text for cid, text in rows})
        rankings.submit_ranking(assignment=assignment, groups=groups)
    found = measure.versus(project=project, round=1, old=old, new=new)
    assert (found.old_answers, found.new_answers, found.prompts, found.pairs) == (4, 2, 2, 4)
    assert (found.old_mean, found.new_mean) == (1.0, 0.0)
    assert found.win_rate == 0.75  # won two, tied two
    assert measure.versus(project=project, round=2, old=old, new=new).win_rate is None


def make_policy() -> str:
    """A registered checkpoint, never loaded."""
    folder = Path(settings.MODEL_ROOT) / "base"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    registry.register_model(slug="base", engine="hf", location=str(folder))
    return "base"


class Compared(TypedDict):
    new_answers: int
    pairs: int


class RoundReport(TypedDict):
    rankings: int
    pairs: int
    rm_pairs: int
    best_of: int
    everywhere: Compared


class Report(TypedDict):
    """The last line of the command, as far as it is read here."""

    simulated: bool
    kept: str | None
    peak_gib: float
    rounds: list[RoundReport]


def run_demo(*arguments: str, policy: str) -> tuple[list[str], Report, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("demo_loop", *arguments, "--policy", policy, stdout=out, stderr=err)
    lines = out.getvalue().splitlines()
    return lines, json.loads(lines[-1]), err.getvalue()


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(1800)
@pytest.mark.django_db(transaction=True)
def test_a_round_of_the_loop_with_the_real_model(smollm2_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url())
    registry.register_model(
        slug="smollm2", engine="hf", location=str(smollm2_path), default_params={"temperature": 0.8}
    )
    lines, report, progress = run_demo(
        "--prompts", "8", "--max-tokens", "24", "--best-of", "3", "--reward-steps", "6", "--sft-steps", "3", "--keep",
        policy="smollm2",
    )  # fmt: skip
    project = Project.objects.get(slug=report["kept"])
    (row,) = report["rounds"]
    assert report["simulated"] is True
    assert row["rankings"] == 8
    assert row["pairs"] > 8
    assert row["rm_pairs"] > 0
    assert row["best_of"] == 6  # the openings that are not held out
    assert row["everywhere"]["new_answers"] > 0
    assert row["everywhere"]["pairs"] > 0
    assert [r.policies.count() for r in project.rounds.order_by("number")] == [1, 2]
    policy = ModelVersion.objects.get(slug=f"{project.slug}-policy-1")
    reward = ModelVersion.objects.get(slug=f"{project.slug}-rm-1")
    run = ExportRun.objects.get(project=project)
    for version in (policy, reward):
        assert version.parent is not None
        assert version.parent.slug == "smollm2"
        assert version.export_id == run.pk
        assert version.state == "serving"
    assert policy.parent is not None
    assert policy.weights_hash != policy.parent.weights_hash
    assert reward.reward_scores.count() >= 8 * 4 + 6 * 3
    assert Ranking.objects.filter(comparison__project=project).count() == 16
    assert any("Trainers were simulated" in line for line in lines)
    assert "no sampler worker is running" in progress
    assert report["peak_gib"] < 8
    shutil.rmtree(settings.MODEL_ROOT)  # half a gigabyte, which the test runner would keep
