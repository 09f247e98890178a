"""Nothing that the content filter blocks is in any configuration, whatever was asked for; a delta takes it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from exports.formats.base import FORMATS
from exports.renderings.base import RENDERINGS
from labeling import chats, comparisons, dialogues, feedback, imports, projects, rankings, suggestions, turns
from labeling.models import Comparison, Dialogue, Project
from moderation import verdicts
from moderation.models import Verdict
from screening import rules
from tests import makers
from tests.exports.makers import export, given
from tests.exports.test_withdrawal import join, said, texts, write

BAD = "I will kill you tomorrow."
EVERYTHING: dict[str, object] = {
    "configs": [name for name in FORMATS.choices() if name != "moderation"],
    "renderings": RENDERINGS.choices(), "include_reasoning": True, "mix": {"brought": 1.0}, "include_truncated": True,
}  # fmt: skip


def a_prompt_of_the_pool(project: Project, alice: User, tmp_path: Path) -> None:
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])


def the_prompt_of_a_comparison(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_ranking(makers.make_comparison(project, prompt=BAD), alice)


def a_comparison_of_a_prompt_of_the_pool(project: Project, alice: User, tmp_path: Path) -> None:
    (prompt,) = projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])
    made = makers.make_comparison(project, prompt=BAD)
    Verdict.objects.filter(target_id=made.pk).delete()
    Comparison.objects.filter(pk=made.pk).update(pool_prompt=prompt)
    makers.make_ranking(made, alice)


def a_completion(project: Project, alice: User, tmp_path: Path) -> None:
    answers = [{"text": f"Answer {n} of four."} for n in range(3)] + [{"text": "word " * 500 + BAD}]
    question = [{"role": "user", "content": "Which of these is best?"}]
    made, _ = comparisons.bring(project=project, prompt=question, completions=answers)
    makers.make_ranking(made, alice)


def a_message(project: Project, alice: User, tmp_path: Path) -> None:
    _chat(project, alice, f"{BAD} What now?", "That is not kind.")


def a_reply(project: Project, alice: User, tmp_path: Path) -> None:
    _chat(project, alice, "What will you do?", BAD)


def _chat(project: Project, author: User, message: str, reply: str) -> None:
    """With a thumb on each reply, a comparison drawn after it, and a vote."""
    chat = dialogues.start_dialogue(project=project, author=author, kind="chat")
    for text, answer in ((message, reply), ("And then?", "Then the sun goes down.")):
        makers.answer(chats.send_message(dialogue=chat, text=text), answer)
        turn = given(chats.store_reply(dialogue=chat))
        feedback.give_feedback(turn=turn, user=author, thumb_up=True)
    dialogues.submit_dialogue(dialogue=chat)
    first, last = chat.turns.filter(role="assistant").order_by("position")
    for drawn in (first, last):
        made = makers.make_comparison(project, prompt=f"{message} as asked before {drawn.pk}")
        prompt = [{"role": one.role, "content": one.text} for one in chat.turns.filter(position__lt=drawn.position)]
        Verdict.objects.filter(target_id=made.pk).delete()
        Comparison.objects.filter(pk=made.pk).update(dialogue=chat, turn=drawn, prompt=prompt, author=None)
        makers.make_ranking(made, author)


def a_turn_that_a_person_wrote(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_demonstration(project, alice, question=BAD)


def a_suggestion_that_was_edited(project: Project, alice: User, tmp_path: Path) -> None:
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="What will you do tomorrow?")
    (asked,) = suggestions.request_suggestions(dialogue=draft, role="assistant", n=1)
    (completion,) = makers.answer(asked, BAD)
    turns.add_turn(dialogue=draft, role="assistant", text="I will rest.", completion=completion)
    dialogues.submit_dialogue(dialogue=draft)


def an_ideal_answer(project: Project, alice: User, tmp_path: Path) -> None:
    lease = makers.make_lease(makers.make_comparison(project), alice)
    ids = [[str(one.completion_id)] for one in lease.comparison.candidates.all()]
    rankings.submit_ranking(assignment=lease, groups=ids, ideal_answer=BAD)


def an_imported_dialogue(project: Project, alice: User, tmp_path: Path) -> None:
    _import(project, tmp_path, "alpaca", [{"instruction": "What will you do?", "input": "", "output": BAD}])


def an_imported_comparison(project: Project, alice: User, tmp_path: Path) -> None:
    told = {"chosen": "\n\nHuman: Well?\n\nAssistant: Nothing.", "rejected": f"\n\nHuman: Well?\n\nAssistant: {BAD}"}
    _import(project, tmp_path, "hh", told)


def _import(project: Project, tmp_path: Path, format: str, records: object) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(records))
    with path.open("rb") as file:
        imports.run(project=project, format=format, file=file, source="brought")


PLANTS: tuple[Callable[[Project, User, Path], None], ...] = (
    a_prompt_of_the_pool, the_prompt_of_a_comparison, a_comparison_of_a_prompt_of_the_pool, a_completion, a_message,
    a_reply, a_turn_that_a_person_wrote, a_suggestion_that_was_edited, an_ideal_answer, an_imported_dialogue,
    an_imported_comparison,
)  # fmt: skip


@pytest.fixture
def good(project: Project, alice: User) -> None:
    """What stays, of every kind."""
    project.ask_ideal_answer = True
    project.save()
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "How high is the tower?"}]])
    makers.make_ranking(makers.make_comparison(project), alice)
    makers.make_demonstration(project, alice)
    chat = makers.make_chat(project, alice, submit=True)
    feedback.give_feedback(turn=chat.turns.get(role="assistant"), user=alice, thumb_up=True)


def block(project: Project) -> None:
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)


def rejudge(project: Project) -> None:
    """The texts that the filter saw before are seen by its next version, all others for the first time."""
    Verdict.objects.filter(project=project).delete()
    while verdicts.screen(project, "patterns"):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_blocked_text_leaves_every_configuration_and_a_delta_takes_it_back(
    project: Project, alice: User, tmp_path: Path, good: None, plant: Callable[[Project, User, Path], None]
) -> None:
    plant(project, alice, tmp_path)
    cutoff = write(project, tmp_path / "old", EVERYTHING)
    assert BAD in said(tmp_path / "old")
    block(project)
    rejudge(project)
    until = write(project, tmp_path / "full", EVERYTHING)
    write(project, tmp_path / "as of then", EVERYTHING, cutoff)
    write(project, tmp_path / "delta", {**EVERYTHING, "since": cutoff}, until)
    for name in ("full", "as of then", "delta"):
        assert BAD not in said(tmp_path / name), name
    joined = join(tmp_path / "old", tmp_path / "delta")
    assert joined == {config: texts(tmp_path / "full", config) for config in FORMATS.choices()}


@pytest.mark.django_db
def test_where_the_project_blocks_nothing_goes_out_before_its_verdict(
    project: Project, alice: User, tmp_path: Path, good: None
) -> None:
    export(project, tmp_path / "warned")
    block(project)
    Verdict.objects.all().delete()
    manifest = export(project, tmp_path / "waiting")
    assert not list((tmp_path / "waiting").glob("*/*.jsonl"))
    assert manifest["excluded"]["not judged by the content filter yet"] > 4
    while verdicts.screen(project, "patterns"):
        pass
    export(project, tmp_path / "judged")
    for config in FORMATS.choices():
        assert texts(tmp_path / "judged", config) == texts(tmp_path / "warned", config), config
    # Judged after that instant: what goes out at a cutoff does not depend on when it is written.
    again = export(project, tmp_path / "again", "--cutoff", manifest["cutoff"])
    assert again["excluded"] == manifest["excluded"]


@pytest.mark.django_db
def test_a_text_that_is_freed_goes_out_again_with_the_next_delta(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_demonstration(project, alice, question=BAD)
    block(project)
    rejudge(project)
    Dialogue.objects.update(split="train")
    cutoff = export(project, tmp_path / "old", "--config", "sft")["cutoff"]
    assert texts(tmp_path / "old", "sft") == []
    Verdict.objects.filter(action="block").update(action="warn", rejudged_at=timezone.now())
    export(project, tmp_path / "new", "--config", "sft", "--since", cutoff)
    assert len(texts(tmp_path / "new", "sft")) == 1
