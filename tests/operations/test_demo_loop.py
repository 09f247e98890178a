"""`manage.py demo_loop`: its project, its stages, its figures; and in the slow tier the loop itself."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from common.shapes import JsonObject
from exports.models import ExportRun
from labeling import comparisons, leases, projects, rankings
from labeling.models import Comparison, Project, Ranking
from operations.loop import measure, processes
from operations.loop import project as loop_project
from operations.loop.project import LoopError
from operations.loop.rule import RULES, rank
from operations.loop.stages import Stages
from operations.loop.topics import TOPICS, prompts_of, topic_of
from sampler import registry
from sampler.models import Completion, ModelVersion, SampleRequest
from tests.generation.tiny import make_tiny_model
from tests.journeys.server import database_url
from tests.makers import make_model, make_user


@pytest.fixture(autouse=True)
def _own_models(settings: Settings, tmp_path: Path) -> None:
    settings.MODEL_ROOT = tmp_path / "models"


def build(topics: int = 8) -> loop_project.LoopProject:
    return loop_project.build(topics=TOPICS[:topics], questions=1, completions=4, max_tokens=16, rule=RULES["commas"])


@pytest.mark.django_db
def test_a_quarter_of_the_topics_is_held_out_whole() -> None:
    own = loop_project.build(topics=TOPICS, questions=2, completions=2, max_tokens=16, rule=RULES["commas"])
    splits: dict[str, set[str]] = {}
    for prompt in own.project.prompts.all():
        split = projects.split_for(own.project, prompt.prompt_key, prompt.author_id)
        splits.setdefault(topic_of(prompt.messages), set()).add(split)
    assert len(splits) == len(TOPICS) == 40
    assert sorted(map(len, splits.values())) == [1] * 40
    assert sum(found == {"test"} for found in splits.values()) == 10


def test_every_prompt_tells_its_topic() -> None:
    assert [topic_of(prompt) for topic in TOPICS for prompt in prompts_of(topic, 7)] == [
        topic for topic in TOPICS for _ in range(7)
    ]


@pytest.mark.django_db
def test_the_project_is_marked_and_goes_without_a_trace() -> None:
    own = build()
    assert own.project.throwaway
    assert "simulated" in own.project.title
    assert own.project.prompts.count() == 8
    assert [user.username for user in own.trainers] == ["sim-1", "sim-2", "sim-3"]
    assert len(own.authors) == 8
    assert not any(user.has_usable_password() for user in [*own.trainers, *own.authors])
    assert own.folder.is_dir()
    policy = make_model(f"{own.project.slug}-policy-1")
    projects.open_round(project=own.project, policies=[(policy, 1.0, {})])
    request = SampleRequest.objects.create(model_version=policy, prompt=[])
    Completion.objects.create(request=request, model_version=policy, text="x", finish_reason="stop")
    Stages(own.folder, {}).note("requests 1", [str(request.pk)])
    comparisons.bring(
        project=own.project,
        prompt=[{"role": "user", "content": "q"}],
        completions=[{"text": "a", "model_version": policy.slug}, {"text": "b", "model_version": policy.slug}],
    )
    assignment, _ = leases.lease_next(project=own.project, trainer=own.trainers[0])
    assert assignment is not None
    rankings.submit_ranking(assignment=assignment, groups=[assignment.order_shown])
    loop_project.remove(loop_project.find(own.project.slug))
    for model in (Project, User, Comparison, Ranking, ModelVersion, SampleRequest, Completion, ExportRun):
        assert not model.objects.exists(), model
    assert not own.folder.exists()


@pytest.mark.django_db
def test_a_kept_project_is_not_throwaway_and_keeps_its_trainers() -> None:
    kept = build()
    loop_project.keep(kept)
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
    assert not Project.objects.get(slug="kept").throwaway


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [["--topics", "3"], ["--topics", "1000"], ["--rounds", "0"], ["--questions", "8"]])
def test_there_are_only_so_many_of_everything(wrong: list[str]) -> None:
    with pytest.raises(CommandError, match=f"{wrong[0]} takes"):
        run_demo(*wrong, policy=make_policy())


@pytest.mark.django_db
def test_a_person_called_like_a_simulated_trainer_is_left_alone() -> None:
    make_user("sim-2")
    with pytest.raises(CommandError, match="a person called sim-2"):
        run_demo("--topics", "8", policy=make_policy())
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_the_first_policy_has_to_be_one_that_can_be_trained() -> None:
    with pytest.raises(CommandError, match="no policy 'nothing'"):
        run_demo(policy="nothing")
    with pytest.raises(CommandError, match="cannot be trained here"):
        run_demo(policy=make_model("fake").slug)


def test_a_stage_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    begun: list[str] = []

    def work(name: str) -> JsonObject:
        begun.append(name)
        if begun == ["a", "b"]:
            raise KeyboardInterrupt
        return {"of": name}

    stages = Stages(tmp_path, {"x": 1})
    assert stages.run("a", lambda: work("a")) == {"of": "a"}
    with pytest.raises(KeyboardInterrupt):
        stages.run("b", lambda: work("b"))
    again = Stages.of(tmp_path)
    assert again.options == {"x": 1}
    assert again.run("a", lambda: work("a")) == {"of": "a"}
    assert again.run("b", lambda: work("b")) == {"of": "b"}
    assert begun == ["a", "b", "b"]


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


@pytest.mark.django_db
def test_new_is_compared_with_old_by_trainers_and_by_the_rule_in_topics(project: Project, alice: User) -> None:
    old, new = make_model("old"), make_model("new")
    for topic in TOPICS[:2]:
        comparisons.bring(
            project=project,
            prompt=prompts_of(topic, 1)[0],
            completions=[
                {"text": f"one, two, {topic}", "model_version": "old"},
                {"text": f"none {topic}", "model_version": "new"},
                {"text": f"nothing {topic}", "model_version": "old"},
            ],
        )
    while (assignment := leases.lease_next(project=project, trainer=alice)[0]) is not None:
        rows = assignment.comparison.candidates.values_list("completion_id", "completion__text")
        groups = rank(RULES["commas"], {str(cid): text for cid, text in rows}, noise=0.0)
        rankings.submit_ranking(assignment=assignment, groups=groups)
    splits = set(Comparison.objects.values_list("split", flat=True))
    found = [
        measure.versus(project=project, rule=RULES["commas"], round=1, old=old, new=new, split=split)
        for split in splits
    ]
    assert sum(one.trainers.pairs for one in found) == 4
    assert sum(one.trainers.topics for one in found) == 2
    assert {one.trainers.value for one in found} == {one.rule.value for one in found} == {0.75}  # won two, tied two
    assert sum(one.old.answers for one in found) == 4
    assert {one.old.measure for one in found} == {1.0}
    assert {one.new.measure for one in found} == {0.0}
    empty = measure.versus(project=project, rule=RULES["commas"], round=2, old=old, new=new, split="test")
    assert empty.trainers.value is None


def make_policy() -> str:
    """A registered checkpoint, never loaded."""
    folder = Path(settings.MODEL_ROOT) / "base"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    registry.register_model(slug="base", engine="hf", location=str(folder))
    return "base"


def run_demo(*arguments: str, policy: str = "") -> tuple[list[str], JsonObject, str]:
    out, err = io.StringIO(), io.StringIO()
    named = ["--policy", policy] if policy else []
    call_command("demo_loop", *arguments, *named, stdout=out, stderr=err)
    lines = out.getvalue().splitlines()
    return lines, json.loads(lines[-1]), err.getvalue()


@pytest.fixture
def tiny_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model of two layers that says words at random, half of them commas."""
    monkeypatch.setenv("DATABASE_URL", database_url())
    folder = make_tiny_model(Path(settings.MODEL_ROOT) / "tiny")
    registry.register_model(slug="tiny", engine="hf", location=str(folder))
    return "tiny"


SMALL = [
    "--topics", "8", "--questions", "2", "--max-tokens", "16", "--reward-steps", "30", "--reward-layers", "2",
    "--reward-learning-rate", "3e-3", "--ppo-iterations", "4", "--ppo-answers", "16", "--ppo-learning-rate", "1e-3",
    "--sft-learning-rate", "1e-3", "--ppo-layers", "2",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("train", ["ppo", "best-of-n"])
@pytest.mark.django_db(transaction=True)
def test_rounds_of_the_loop_with_a_tiny_model_go_on_after_they_were_cut(
    train: str, tiny_policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Stages.run
    done: list[str] = []

    def cut(self: Stages, name: str, work: Callable[[], JsonObject]) -> JsonObject:
        """Each stage is killed once in the middle of its work, and done when the run goes on."""
        if name not in self.done and name not in done:
            done.append(name)
            work()
            raise LoopError(f"cut in {name}")
        return run(self, name, work)

    monkeypatch.setattr(Stages, "run", cut)
    with pytest.raises(CommandError, match="cut in collect 1"):
        run_demo("--rounds", "2", "--train", train, "--keep", *SMALL, policy=tiny_policy)
    (project,) = Project.objects.all()
    lines, report, errors = until_it_ends(project.slug)
    assert all("cut in" in error for error in errors)
    assert done[:4] == ["collect 1", "export 1", "train reward model 1", "score 1"]
    rows = report["rounds"]
    assert isinstance(rows, list)
    assert len(rows) == 2
    assert report["kept"] == project.slug
    assert any("held-out topics" in line for line in lines)
    for number, row in enumerate(rows, start=1):
        assert isinstance(row, dict)
        policy = ModelVersion.objects.get(slug=f"{project.slug}-policy-{number}")
        judge = ModelVersion.objects.get(slug=f"{project.slug}-rm-{number}")
        assert policy.parent is not None
        assert policy.parent.slug == ("tiny" if number == 1 else f"{project.slug}-policy-1")
        export = row["export"]
        assert isinstance(export, dict)
        assert str(policy.export_id) == str(judge.export_id) == export["id"]
        assert len(row["checks"]) == 7  # type: ignore[arg-type]
        assert bool(row["iterations"]) == (train == "ppo")
    assert [r.policies.count() for r in project.rounds.order_by("number")] == [1, 2, 2]
    assert json.loads((Path(settings.MODEL_ROOT) / project.slug / "report.json").read_text()) == report
    run_demo_remove(project.slug)
    assert not Project.objects.exists()


def until_it_ends(slug: str) -> tuple[list[str], JsonObject, list[str]]:
    errors: list[str] = []
    while True:
        try:
            lines, report, _ = run_demo("--resume", slug)
        except CommandError as error:
            errors.append(str(error))
        else:
            return lines, report, errors


def run_demo_remove(slug: str) -> None:
    call_command("demo_loop", "--remove", slug, stdout=io.StringIO(), stderr=io.StringIO())
