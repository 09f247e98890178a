"""A draft that its author discards is gone for everybody; what a reviewer read of it before stays."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import chats, corrections, feedback, questions, suggestions, turns, withdrawal
from labeling.errors import Gone
from labeling.models import Dialogue, Project, Turn
from labeling.quality import reviews
from moderation import problems
from sampler import claims, results
from sampler.models import Completion, SampleRequest
from sampler.params import Drawn
from tests import makers
from tests.exports.test_withdrawal import found
from tests.labeling.asking import fresh

pytestmark = pytest.mark.django_db
SECRET = "Elm Street"


def secret_chat(project: Project, author: User) -> Dialogue:
    chat = makers.make_chat(project, author, turns=0)
    asked = chats.send_message(dialogue=chat, text=f"I live in {SECRET} 5.")
    makers.answer(asked, f"How is {SECRET}?")
    answer = chats.store_reply(dialogue=chat)
    assert answer is not None
    feedback.give_feedback(turn=answer, user=author, thumb_up=False, comment=f"It repeats {SECRET}.")
    problems.report(turn=answer, user=author, problem="harmful", comment=SECRET, ideal_answer=SECRET)
    turns.save_composer(dialogue=chat, composer={"text": f"More of {SECRET}"})
    return chat


def test_what_was_said_in_a_discarded_chat_is_in_no_column_and_on_no_page(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    chat = secret_chat(project, alice)
    questions.ask(dialogue=chat, by=alice, text=f"May I name {SECRET}?")
    assert len(found(SECRET)) >= 6
    client.force_login(alice)
    asked = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert "is removed for everybody" in asked
    assert "stays with those who read it" not in asked
    client.post(f"/dialogues/{chat.pk}/discard/")
    assert found(SECRET) == set()
    client.force_login(rita)
    for address in (f"/review/dialogues/{chat.pk}/", f"/manage/projects/{project.slug}/feedback/"):
        page = client.get(address)
        assert page.status_code == 200, address
        assert SECRET not in page.content.decode(), address
    with pytest.raises(Gone):
        withdrawal.discard(dialogue=chat)


def test_a_guests_discarded_chat_is_not_listed_among_what_is_kept(client: Client, project: Project) -> None:
    guest = makers.make_member(project, "gwen", role="guest")
    chat = secret_chat(project, guest)
    client.force_login(guest)
    client.post(f"/dialogues/{chat.pk}/discard/")
    kept = client.get(f"/projects/{project.slug}/kept/").content.decode()
    assert str(chat.pk) not in kept
    assert SECRET not in kept


def test_a_version_that_was_taken_back_goes_too(project: Project, alice: User) -> None:
    first = makers.make_demonstration(project, alice, question=f"Where is {SECRET}?")
    draft = corrections.undo_submission(dialogue=first)
    withdrawal.discard(dialogue=draft)
    assert found(SECRET) == set()


def test_a_version_that_was_sent_back_stays_and_the_question_says_so(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    first = makers.make_demonstration(project, alice, submit=False, question="Where is it?")
    (request,) = suggestions.request_suggestions(dialogue=first, role="user", n=1)
    (offered,) = makers.answer(request, "A suggestion that stays.")
    turns.add_turn(dialogue=first, role="user", text=offered.text, completion=offered)
    turns.add_turn(dialogue=first, role="assistant", text="Here.")
    client.force_login(alice)
    client.post(f"/dialogues/{first.pk}/submit/")
    reviews.decide(reviewer=rita, decision="returned", dialogue=fresh(first), comment="Say more.")
    draft = corrections.mend_dialogue(dialogue=fresh(first))
    turns.edit_turn(turn=draft.turns.get(position=3), text=f"Here, in {SECRET}.")
    assert "stays with those who read it" in client.get(f"/dialogues/{draft.pk}/").content.decode()
    client.post(f"/dialogues/{draft.pk}/discard/")
    assert found(SECRET) == set()
    assert [turn.text for turn in first.turns.order_by("position")][2:] == ["A suggestion that stays.", "Here."]
    assert Completion.objects.get(pk=offered.pk).text == "A suggestion that stays."
    assert set(Turn.objects.filter(dialogue=draft).values_list("text", flat=True)) == {withdrawal.WITHDRAWN}


def test_a_reply_that_is_being_written_is_stopped_and_stored_nowhere(project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice, turns=0)
    request = chats.send_message(dialogue=chat, text="Tell me more.")
    claims.claim(worker="w", model_version_ids=[request.model_version_id], room=1)
    withdrawal.discard(dialogue=chat)
    assert claims.to_cancel(request_ids=[request.pk]) == {request.pk}
    late = results.Result([Drawn(index=0, text=SECRET, finish_reason="stop", completion_tokens=2)])
    assert not results.complete(request_id=request.pk, attempt=1, result=late)
    assert found(SECRET) == set()
    assert SampleRequest.objects.get(pk=request.pk).state == "cancelled"


def test_what_was_discarded_under_an_earlier_release_is_emptied_once(project: Project, alice: User) -> None:
    chat, open_one = secret_chat(project, alice), makers.make_chat(project, alice)
    Dialogue.objects.filter(pk=chat.pk).update(state="discarded", pending_request=None)
    assert withdrawal.empty_discarded() == 1
    assert found(SECRET) == set()
    assert withdrawal.empty_discarded() == 0
    assert fresh(open_one).withdrawn_at is None
