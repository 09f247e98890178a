"""Demonstrations that answer a prompt of the project's pool: which, how often, and what of them stays as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common.shapes import Message
from labeling import corrections, dialogues, given_prompts, projects, turns, withdrawal
from labeling.errors import Invalid
from labeling.models import Dialogue, Project, Prompt
from tests.labeling.asking import texts

pytestmark = pytest.mark.django_db

TALK: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a river."},
    {"role": "assistant", "content": "The Elbe."},
    {"role": "user", "content": "Another?"},
]


def pool(project: Project, *openings: list[Message] | str, share: float = 1.0) -> list[Prompt]:
    projects.change_settings(project=project, prompted_share=share)
    messages = [[{"role": "user", "content": one}] if isinstance(one, str) else one for one in openings]
    return projects.add_prompts(project=project, prompts=messages)


def begin(project: Project, author: User) -> Dialogue:
    return given_prompts.begin(project=project, author=author, kind="demonstration")


def answer(dialogue: Dialogue, text: str = "An answer.") -> Dialogue:
    turns.add_turn(dialogue=dialogue, role="assistant", text=text)
    return dialogues.submit_dialogue(dialogue=dialogue)


def test_the_share_holds_for_each_trainer_whatever_they_give_up(project: Project, alice: User) -> None:
    pool(project, *(f"Question {number}?" for number in range(20)), share=0.3)
    kinds = []
    for _ in range(20):
        made = begin(project, alice)
        kinds.append(bool(made.given_turns))
        if not made.given_turns:
            withdrawal.discard(dialogue=begin(project, alice))  # does not change what follows
            turns.add_turn(dialogue=made, role="user", text="My own?")
        answer(made)
    assert sum(kinds) == 6
    assert [sum(kinds[:n]) for n in (1, 5, 10)] == [1, 2, 3]


def test_each_prompt_is_given_to_one_person_and_back_when_given_up(project: Project, alice: User, bob: User) -> None:
    pool(project, "One?", "Two?")
    first, second = begin(project, alice), begin(project, bob)
    assert first.prompt != second.prompt
    assert begin(project, alice) == first  # without an answer, it is the same one again
    answer(first)
    with pytest.raises(Invalid, match="Every prompt"):
        begin(project, alice)
    withdrawal.discard(dialogue=second)
    assert begin(project, alice).prompt == second.prompt
    with pytest.raises(Invalid, match="Every prompt"):  # had it, and gave it up
        begin(project, bob)


def test_a_draft_left_alone_for_a_week_holds_its_prompt_no_more(project: Project, alice: User, bob: User) -> None:
    pool(project, "One?")
    left = begin(project, alice)
    Dialogue.objects.filter(pk=left.pk).update(saved_at=timezone.now() - timedelta(days=6))
    with pytest.raises(Invalid):
        begin(project, bob)
    Dialogue.objects.filter(pk=left.pk).update(saved_at=timezone.now() - timedelta(days=8))
    assert begin(project, bob).prompt == left.prompt


def test_a_prompt_is_exchanged_for_another_or_stays(project: Project, alice: User) -> None:
    pool(project, "One?", "Two?")
    first = begin(project, alice)
    second = given_prompts.exchange(dialogue=first)
    assert second.prompt != first.prompt
    with pytest.raises(Invalid, match="No prompt is free"):
        given_prompts.exchange(dialogue=second)
    assert Dialogue.objects.get(pk=second.pk).state == "draft"


def test_the_given_turns_stay_and_are_no_examples(project: Project, alice: User) -> None:
    pool(project, TALK)
    dialogue = begin(project, alice)
    assert texts(dialogue) == [message["content"] for message in TALK]
    given = dialogue.turns.get(position=1)
    with pytest.raises(Invalid, match="was given"):
        turns.edit_turn(turn=given, text="Name a lake.")
    with pytest.raises(Invalid, match="was given"):
        turns.delete_turn(turn=given)
    for role, position in (("assistant", 2), ("system", None)):
        with pytest.raises(Invalid, match="was given"):
            turns.add_turn(dialogue=dialogue, role=role, text="Sneaked in.", position=position)
    answer(dialogue, "The Rhine.")
    draft = corrections.undo_submission(dialogue=dialogue)
    assert draft.given_turns == 4
    for kept in (dialogue, draft):
        examples = kept.turns.filter(role="assistant", is_example=True)
        assert [turn.text for turn in examples] == ["The Rhine."]


def test_home_says_when_every_prompt_is_answered(client: Client, project: Project, alice: User) -> None:
    pool(project, "One?")
    client.force_login(alice)
    assert "Every prompt is answered" not in client.get("/").content.decode()
    answer(begin(project, alice))
    assert "Every prompt is answered" in client.get("/").content.decode()
    refused = client.post(f"/projects/{project.slug}/start/demonstration/")
    assert refused.status_code == 422
    projects.change_settings(project=project, prompted_share=0.5)
    assert "Every prompt is answered" not in client.get("/").content.decode()


def test_the_page_shows_the_prompt_fixed_and_offers_another(client: Client, project: Project, alice: User) -> None:
    pool(project, TALK, "Two?")
    client.force_login(alice)
    url = client.post(f"/projects/{project.slug}/start/demonstration/")["Location"]
    if "Name a river" not in client.get(url).content.decode():
        url = client.post(url + "exchange/")["Location"]
    page = client.get(url).content.decode()
    assert "Answer this prompt" in page
    assert 'value="assistant" checked' in page
    assert 'value="system"' not in page
    assert "Edit<" not in page
    assert "Delete<" not in page
    assert "Insert a turn here" not in page
    client.post(url + "turns/", {"role": "assistant", "text": "The Rhine."})
    page = client.get(url).content.decode()
    assert page.count("Edit<") == 1
    assert "Another prompt" not in page
