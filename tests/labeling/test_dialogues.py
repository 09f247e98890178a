"""Chats, demonstrations and what is drawn from them, by the domain functions."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import candidates, chats, corrections, dialogues, drafts, leases, policies, projects, turns
from labeling.errors import Conflict, Gone, Invalid
from labeling.feedback import give_feedback
from labeling.models import Comparison, Dialogue, Project, TurnDraw
from labeling.suggestions import request_suggestions
from sampler.models import SampleRequest
from tests import makers

pytestmark = pytest.mark.django_db


def roles(dialogue: Dialogue) -> list[str]:
    return [turn.role for turn in dialogue.turns.order_by("position")]


def test_a_chat_goes_message_reply_message_reply_and_is_submitted(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=3)
    assert roles(dialogue) == ["user", "assistant"] * 3
    dialogues.submit_dialogue(dialogue=dialogue)
    assert dialogue.state == "submitted"
    assert dialogue.split in {"train", "test"}
    assert dialogue.guideline_version is not None
    assert dialogue.guideline_version.number == 1


def test_a_message_sent_while_the_model_writes_is_refused(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=dialogue, text="Hello?")
    with pytest.raises(Conflict, match="still writing"):
        chats.send_message(dialogue=dialogue, text="Hello again?")


def test_a_failed_reply_can_be_asked_for_again(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=dialogue, text="Hello?")
    SampleRequest.objects.filter(pk=request.pk).update(
        state="failed", error="no model", finished_at=timezone.now(), lease_expires_at=None
    )
    with pytest.raises(Invalid, match="try again"):
        chats.send_message(dialogue=dialogue, text="Hello again?")
    again = chats.retry_reply(dialogue=dialogue)
    makers.answer(again, "Hi.")
    reply = chats.store_reply(dialogue=dialogue)
    assert reply is not None
    assert reply.text == "Hi."
    assert roles(dialogue) == ["user", "assistant"]


def test_the_beat_task_makes_an_ended_reply_a_turn_once(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    makers.answer(chats.send_message(dialogue=dialogue, text="Hello?"), "Hi.")
    assert chats.store_ended_replies() == 1
    assert chats.store_ended_replies() == 0
    assert roles(dialogue) == ["user", "assistant"]


def test_turns_of_a_demonstration_are_inserted_edited_and_deleted_until_submission(
    project: Project, alice: User
) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    first = turns.add_turn(dialogue=dialogue, role="user", text="One?")
    turns.add_turn(dialogue=dialogue, role="assistant", text="One.")
    turns.add_turn(dialogue=dialogue, role="system", text="Be brief.")
    middle = turns.add_turn(dialogue=dialogue, role="assistant", text="Inserted.", position=2)
    assert [t.text for t in dialogue.turns.order_by("position")] == ["Be brief.", "One?", "Inserted.", "One."]
    turns.delete_turn(turn=middle)
    turns.edit_turn(turn=first, text="One or two?")
    dialogues.submit_dialogue(dialogue=dialogue)
    assert [t.text for t in dialogue.turns.order_by("position")] == ["Be brief.", "One or two?", "One."]
    with pytest.raises(Gone):
        turns.add_turn(dialogue=dialogue, role="user", text="Too late?")


def test_a_demonstration_in_the_wrong_order_is_not_submitted(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="One?")
    with pytest.raises(Invalid, match="last message"):
        dialogues.submit_dialogue(dialogue=dialogue)
    turns.add_turn(dialogue=dialogue, role="user", text="Two?")
    turns.add_turn(dialogue=dialogue, role="assistant", text="Three.")
    with pytest.raises(Invalid, match="answer by the assistant is missing"):
        dialogues.submit_dialogue(dialogue=dialogue)


def test_the_second_tab_is_told_and_overwrites_nothing(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    version = turns.save_composer(dialogue=dialogue, composer={"text": "from tab 1"}, expected_version=0)
    with pytest.raises(Conflict) as caught:
        turns.save_composer(dialogue=dialogue, composer={"text": "from tab 2"}, expected_version=0)
    assert caught.value.version == version
    assert Dialogue.objects.get(pk=dialogue.pk).composer == {"text": "from tab 1"}


def test_suggestions_are_asked_on_either_side_by_weight(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    requests = request_suggestions(dialogue=dialogue, role="user", n=3)
    assert sum(request.n for request in requests) == 3
    assert {request.writes for request in requests} == {"user"}
    with pytest.raises(Invalid, match="user's turn first"):
        request_suggestions(dialogue=dialogue, role="assistant")


def test_the_draw_of_a_suggestion_can_be_done_again_from_what_is_stored(project: Project, alice: User) -> None:
    models = [makers.make_model("often"), makers.make_model("seldom")]
    projects.open_round(project=project, policies=[(models[0], 0.7, {}), (models[1], 0.3, {})])
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    asked = request_suggestions(dialogue=dialogue, role="user", n=9)
    (stored,) = {json.dumps(one.policy_draw) for one in dialogue.suggestion_requests.all()}
    draw = json.loads(stored)
    assert policies.again(draw["seed"], draw["weights"], 9) == draw["drawn"]
    shares = {request.model_version.slug: request.n for request in asked}
    assert shares == Counter(draw["drawn"])


def test_a_submitted_chat_draws_one_turn_and_asks_for_k_completions(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=3, submit=True)
    draw = TurnDraw.objects.get(dialogue=dialogue)
    assert len(draw.eligible) == 3
    assert len(draw.drawn) == 1
    comparison = Comparison.objects.get(draw=draw)
    assert str(comparison.turn_id) == draw.drawn[0]
    assert comparison.prompt[-1]["role"] == "user"
    assert comparison.candidates.get().is_original
    assert sum(r.request.n for r in comparison.requests.all()) == 3


def test_a_stopped_reply_is_kept_but_never_drawn(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=dialogue, text="Hello?")
    makers.answer(request, "I was about to", finish_reason="cancelled")
    dialogues.submit_dialogue(dialogue=dialogue)
    assert roles(dialogue) == ["user", "assistant"]
    assert TurnDraw.objects.get(dialogue=dialogue).eligible == []
    assert not Comparison.objects.exists()


def test_taking_a_chat_back_discards_what_was_drawn_and_hands_back_a_copy(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice, turns=2, submit=True)
    draft = corrections.undo_submission(dialogue=dialogue)
    dialogue.refresh_from_db()
    assert (dialogue.state, draft.state) == ("discarded", "draft")
    assert dialogue.undone_at is not None
    assert drafts.messages_of(draft) == drafts.messages_of(dialogue)
    assert Comparison.objects.get().state == "discarded"
    assert SampleRequest.objects.filter(purpose="comparison").get().state == "cancelled"


def test_a_chat_that_is_being_ranked_cannot_be_taken_back(project: Project, alice: User, bob: User) -> None:
    dialogue = makers.make_chat(project, alice, submit=True)
    makers.answer_all()
    candidates.settle_sampling()
    assert leases.lease_next(project=project, trainer=bob)[0] is not None
    with pytest.raises(Gone, match="already ranking"):
        corrections.undo_submission(dialogue=dialogue)


def test_feedback_is_given_on_model_turns_and_the_second_replaces_the_first(project: Project, alice: User) -> None:
    dialogue = makers.make_chat(project, alice)
    turn = dialogue.turns.get(role="assistant")
    give_feedback(turn=turn, user=alice, thumb_up=True)
    give_feedback(turn=turn, user=alice, thumb_up=False, reasons=["wrong"], comment="Not so.")
    assert turn.feedback.get().thumb_up is False
    with pytest.raises(Invalid):
        give_feedback(turn=dialogue.turns.get(role="user"), user=alice, thumb_up=True)


def test_a_guest_chats_but_writes_no_demonstration(project: Project, guest: User) -> None:
    dialogues.start_dialogue(project=project, author=guest, kind="chat")
    with pytest.raises(Invalid):
        dialogues.start_dialogue(project=project, author=guest, kind="demonstration")
