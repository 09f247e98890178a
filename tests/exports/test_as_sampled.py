"""What was sampled is what is exported: cut answers stay out, system turns go out as they were read."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from common.shapes import JsonLike
from generation import prompts
from labeling import candidates, dialogues, stock, turns
from labeling import projects as project_writes
from labeling.models import Comparison, Project
from labeling.suggestions import request_suggestions
from sampler.models import Completion, ModelVersion, SampleRequest
from tests import makers
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db
TEXTS = ["An answer about rivers.", "Quite another one, of lakes.", "The third is of the sea", "And rain, lastly."]


def ranked(project: Project, trainer: User, *, cut: int, report: dict[str, JsonLike] | None = None) -> Comparison:
    """A comparison of four sampled answers, of which the first `cut` were cut at their limit; first is best."""
    Project.objects.filter(pk=project.pk).update(keep_truncated=True, stock_target=1)
    project_writes.add_prompts(project=project, prompts=[[{"role": "user", "content": "What is water?"}]])
    stock.keep_stock()
    request = SampleRequest.objects.get(state="queued")
    makers.answer(request, *TEXTS)
    Completion.objects.filter(request=request, index__lt=cut).update(finish_reason="length", reasoning="Hm.\r\nWell.")
    SampleRequest.objects.update(prompt_report=report or {})
    candidates.settle_sampling()
    comparison = Comparison.objects.get()
    makers.make_ranking(comparison, trainer)
    return comparison


def test_pairs_with_a_cut_answer_stay_out_and_are_counted(project: Project, alice: User, tmp_path: Path) -> None:
    ranked(project, alice, cut=1)
    manifest = export(project, tmp_path / "x", "--config", "preferences,rankings")
    pairs = rows(tmp_path / "x", "preferences")
    assert len(pairs) == 3
    assert {pair["chosen_finish_reason"] for pair in pairs} == {pair["rejected_finish_reason"] for pair in pairs}
    assert sum(pair["weight"] for pair in pairs) == pytest.approx(1)
    assert manifest["counts"]["pairs with a cut answer"] == 3
    ends = [c["finish_reason"] for c in rows(tmp_path / "x", "rankings")[0]["completions"]]
    assert sorted(ends) == ["length", "stop", "stop", "stop"], "a judgement is whole; who reads it can choose"


def test_cut_answers_are_kept_where_asked(project: Project, alice: User, tmp_path: Path) -> None:
    ranked(project, alice, cut=1)
    export(project, tmp_path / "x", "--config", "preferences", "--keep-truncated")
    pairs = rows(tmp_path / "x", "preferences")
    assert len(pairs) == 6
    assert [p["chosen_finish_reason"] for p in pairs].count("length") == 3


def test_a_ranking_of_cut_answers_alone_says_so(project: Project, alice: User, tmp_path: Path) -> None:
    ranked(project, alice, cut=3)
    manifest = export(project, tmp_path / "x", "--config", "preferences")
    assert manifest["excluded_by_config"]["preferences"] == {"no pair of whole answers": 1}


@pytest.mark.parametrize("asked", [False, True])
def test_reasoning_goes_out_only_where_asked(project: Project, alice: User, tmp_path: Path, asked: bool) -> None:
    ranked(project, alice, cut=1)
    export(project, tmp_path / "x", "--config", "rankings,preferences", *(["--reasoning"] if asked else []))
    (row,) = rows(tmp_path / "x", "rankings")
    traces = {c["reasoning"] for c in row["completions"]}
    assert traces == ({"Hm.\nWell.", None} if asked else {None})
    assert all(set(c["completion"][0]) == {"role", "content"} for c in row["completions"])


QUESTION = {"role": "user", "content": "What is water?"}


@pytest.mark.parametrize(
    ("report", "prompt"),
    [
        ({}, [QUESTION]),
        ({"system_turn": ""}, [{"role": "system", "content": ""}, QUESTION]),
        ({"system_turn": "Be brief."}, [{"role": "system", "content": "Be brief."}, QUESTION]),
        ({"system_turn": None}, [QUESTION]),
        (
            {"system_turn": "Be brief.", "messages": [{"role": "user", "content": "Be brief.\n\nWhat is water?"}]},
            [{"role": "user", "content": "Be brief.\n\nWhat is water?"}],
        ),
    ],
)
def test_the_system_turn_goes_out_as_it_was_read(
    project: Project, alice: User, tmp_path: Path, report: dict[str, JsonLike], prompt: list[dict[str, str]]
) -> None:
    ranked(project, alice, cut=0, report=report)
    manifest = export(project, tmp_path / "x", "--config", "preferences,rankings", "--render", "hh")
    assert rows(tmp_path / "x", "preferences")[0]["prompt"] == prompt
    assert rows(tmp_path / "x", "rankings")[0]["context"] == prompt
    if report.get("system_turn") == "":
        assert rows(tmp_path / "x", "hh")[0]["chosen"].startswith("\n\nHuman: What is water?")
        assert not any("hh" in reason for reason in manifest["excluded"])


@pytest.mark.parametrize("edited", [False, True])
def test_an_accepted_suggestion_that_was_cut_stays_out_of_sft(
    project: Project, alice: User, tmp_path: Path, edited: bool
) -> None:
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="What is water?")
    (request,) = request_suggestions(dialogue=draft, role="assistant", n=1)
    (completion,) = makers.answer(request, "It is what riv", finish_reason="length")
    text = "It is what rivers carry." if edited else completion.text
    turns.add_turn(dialogue=draft, role="assistant", text=text, completion=completion)
    dialogues.submit_dialogue(dialogue=draft)
    manifest = export(project, tmp_path / "x", "--config", "sft")
    kept = rows(tmp_path / "x", "sft")
    if edited:
        assert [row["finish_reason"] for row in kept] == [None], "a person wrote its end"
        return
    assert kept == []
    assert manifest["excluded"] == {"answer cut at its limit": 1}
    export(project, tmp_path / "y", "--config", "sft", "--keep-truncated")
    assert rows(tmp_path / "y", "sft")[0]["finish_reason"] == "length"


def demonstrated(project: Project, alice: User) -> None:
    """A demonstration that a person wrote from end to end."""
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="What is water?")
    turns.add_turn(dialogue=draft, role="assistant", text="It is what rivers carry.")
    dialogues.submit_dialogue(dialogue=draft)


def answered(project: Project, alice: User, **report: JsonLike) -> None:
    """An answer of the round's model, with what was told of its prompt."""
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="Hello?")
    for request in request_suggestions(dialogue=draft, role="assistant", n=1):
        makers.answer(request, "Hello.")
        SampleRequest.objects.filter(pk=request.pk).update(prompt_report=report)


@pytest.mark.parametrize(
    ("serving", "rendered", "prompt"),
    [
        ({}, "empty", [{"role": "system", "content": ""}, QUESTION]),
        ({"system_prompt": "Be brief."}, "explicit", [{"role": "system", "content": "Be brief."}, QUESTION]),
        ({"system_prompt": "Be brief.", "system_turn": "none"}, "empty", [{"role": "system", "content": ""}, QUESTION]),
        (
            {"system_prompt": "Be brief."},
            prompts.MERGED[0],
            [{"role": "user", "content": "Be brief.\n\nWhat is water?"}],
        ),
        ({}, prompts.MERGED[1], [QUESTION]),
        ({"system_turn": "template"}, "as the template has it", [QUESTION]),
    ],
)
def test_what_a_person_wrote_goes_out_with_the_system_turn_that_the_round_is_served_with(
    project: Project, alice: User, tmp_path: Path, serving: dict[str, str], rendered: str, prompt: list[dict[str, str]]
) -> None:
    ModelVersion.objects.update(**serving)
    answered(project, alice, system=rendered)
    demonstrated(project, alice)
    export(project, tmp_path / "x", "--config", "sft")
    assert [row["prompt"] for row in rows(tmp_path / "x", "sft")] == [prompt]


def test_what_a_person_wrote_has_no_system_turn_where_none_is_known_or_models_differ(
    project: Project, alice: User, tmp_path: Path
) -> None:
    demonstrated(project, alice)
    other = makers.make_model("terse", system_prompt="Be brief.")
    own = ModelVersion.objects.exclude(pk=other.pk).get()
    project_writes.open_round(project=project, policies=[(own, 1.0, {}), (other, 1.0, {})])
    for version in (own, other):
        SampleRequest.objects.create(
            model_version=version, prompt=[QUESTION], writes="assistant", purpose="suggestion", state="done",
            finished_at=timezone.now(), prompt_report={"system": "explicit"},
        )  # fmt: skip
    demonstrated(project, alice)
    export(project, tmp_path / "x", "--config", "sft")
    assert [row["prompt"] for row in rows(tmp_path / "x", "sft")] == [[QUESTION], [QUESTION]]
