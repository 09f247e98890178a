"""What `sft` says of demonstrations that answer a given prompt, and of answers written beside a ranking."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from common.shapes import Message
from labeling import dialogues, given_prompts, projects, turns
from labeling.models import Comparison, Project
from tests import makers
from tests.exports.makers import export, given, rows

pytestmark = pytest.mark.django_db

TALK: list[Message] = [
    {"role": "user", "content": "Name a river."},
    {"role": "assistant", "content": "The Elbe."},
    {"role": "user", "content": "Another?"},
]


def test_only_the_answer_to_a_given_prompt_is_an_example(project: Project, alice: User, tmp_path: Path) -> None:
    projects.change_settings(project=project, prompted_share=0.5)
    projects.add_prompts(project=project, prompts=[TALK])
    begun = given_prompts.begin(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=begun, role="assistant", text="The Rhine.")
    dialogues.submit_dialogue(dialogue=begun)
    makers.make_demonstration(project, alice, question="How long is a day?")
    export(project, tmp_path / "x", "--config", "sft,raw")
    found = {row["completion"][0]["content"]: row for row in rows(tmp_path / "x", "sft")}
    assert {text: row["prompt_given"] for text, row in found.items()} == {
        "The Rhine.": True,
        "It works like this.": False,
    }
    assert found["The Rhine."]["prompt"] == TALK
    assert found["The Rhine."]["source"] == "written"


def test_what_stood_before_an_ideal_answer_is_not_its_authors_example(
    project: Project, alice: User, tmp_path: Path
) -> None:
    projects.change_settings(project=project, ask_ideal_answer=True)
    made = makers.make_comparison(project)
    Comparison.objects.filter(pk=made.pk).update(prompt=TALK)
    made.refresh_from_db()
    makers.make_ranking(made, alice, ideal_answer="The Rhine.")
    export(project, tmp_path / "x", "--config", "sft")
    (row,) = rows(tmp_path / "x", "sft")
    assert row["completion"] == [{"role": "assistant", "content": "The Rhine."}]
    assert row["prompt"] == TALK


def test_an_ideal_answer_begun_from_a_completion_says_so(project: Project, alice: User, tmp_path: Path) -> None:
    projects.change_settings(project=project, ask_ideal_answer=True)
    made = makers.make_comparison(project)
    best = str(given(made.candidates.order_by("index").first()).completion_id)
    makers.make_ranking(made, alice, ideal_answer="Answer a, but better.", ideal_from=best)
    export(project, tmp_path / "x", "--config", "sft")
    (row,) = rows(tmp_path / "x", "sft")
    assert (row["source"], row["model"], row["finish_reason"]) == ("edited", "fake", None)
