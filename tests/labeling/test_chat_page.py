"""The chat page over HTTP, without scripts and as htmx uses it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import chats
from labeling.models import Dialogue, Project, Turn, TurnFeedback
from sampler import status
from sampler.models import Completion, SampleRequest
from sampler.models.requests import COULD_NOT_ANSWER
from tests import makers
from tests.labeling.asking import HTMX, SCRIPT, fresh, texts


def test_a_chat_streams_settles_and_takes_the_next_message(
    client: Client, project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "not_loaded", lambda slugs: set())
    client.force_login(alice)
    url = client.post(f"/projects/{project.slug}/start/chat/")["Location"]
    client.post(url + "send/", {"text": "Hello?"})
    page = client.get(url).content.decode()
    assert "about to write" in page
    assert f'data-stream="{url}stream/"' in page
    assert 'http-equiv="refresh"' in page  # without scripts, the page asks again by itself
    makers.answer(SampleRequest.objects.get(), "Hello yourself.")
    assert "Hello yourself." in client.get(url).content.decode()
    assert not Turn.objects.filter(role="assistant").exists()  # reading writes nothing
    thread = client.post(url + "reply/", headers=HTMX).content.decode()
    assert "Good answer" in thread
    assert "<html" not in thread
    client.post(url + "send/", {"text": "And now?"})
    assert [turn.role for turn in Turn.objects.order_by("position")] == ["user", "assistant", "user"]


def test_a_reply_that_settles_while_the_next_message_is_typed_is_no_second_tab(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    version = fresh(chat).version
    makers.answer(request, "More.")
    chats.store_ended_replies()
    answer = client.post(
        f"/dialogues/{chat.pk}/composer/", {"text": "typing", "draft_version": version}, headers=SCRIPT
    )
    assert answer.status_code == 200


def test_a_failed_reply_can_be_asked_for_again(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    SampleRequest.objects.filter(pk=request.pk).update(
        state="failed", error="The model fell over.", finished_at="2026-01-01T00:00Z"
    )
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert COULD_NOT_ANSWER in page
    assert "fell over" not in page, "the engine's own words are for operators"
    client.post(f"/dialogues/{chat.pk}/retry/")
    asked_again = fresh(chat).pending_request
    assert asked_again is not None
    assert asked_again.state == "queued"


def test_stop_asks_the_sampler_to_stop(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    client.post(f"/dialogues/{chat.pk}/stop/")
    request.refresh_from_db()
    assert request.state == "cancelled" or request.cancel_requested


def test_an_answer_that_was_stopped_says_so_while_one_writes_and_afterwards(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    makers.answer(request, "More of", finish_reason="cancelled")
    chats.store_reply(dialogue=chat)
    assert client.get(f"/dialogues/{chat.pk}/").content.decode().count("This answer was stopped here.") == 1
    client.post(f"/dialogues/{chat.pk}/submit/")
    done = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert "Your chat" in done
    assert done.count("This answer was stopped here.") == 1


@pytest.mark.parametrize("address", ["send", "turns"])
def test_a_text_with_what_no_text_can_hold_is_refused_and_not_lost(
    client: Client, chat: Dialogue, address: str
) -> None:
    refused = client.post(f"/dialogues/{chat.pk}/{address}/", {"text": "before\0after"}, headers=HTMX)
    assert refused.status_code == 422
    assert "beforeafter</textarea>" in refused.content.decode()


def test_thumbs_come_with_reasons_and_a_comment(client: Client, chat: Dialogue) -> None:
    turn = chat.turns.get(role="assistant")
    url = f"/dialogues/{chat.pk}/turns/{turn.pk}/feedback/"
    client.post(url, {"thumb": "down"})
    client.post(url, {"thumb": "down", "reasons": ["too long", "not true"], "comment": "No."})
    given = TurnFeedback.objects.get()
    assert (given.thumb_up, given.reasons, given.comment) == (False, ["too long", "not true"], "No.")
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert "too long" in page
    fragment = client.post(url, {"thumb": "up"}, headers=HTMX).content.decode()
    assert 'aria-pressed="true"' in fragment
    assert client.post(url, {"thumb": "sideways"}).status_code == 422


def test_a_submitted_chat_is_taken_back_as_a_new_draft(client: Client, chat: Dialogue) -> None:
    client.post(f"/dialogues/{chat.pk}/submit/")
    answer = client.post(f"/dialogues/{chat.pk}/undo/")
    draft = Dialogue.objects.get(supersedes=chat)
    assert answer["Location"] == f"/dialogues/{draft.pk}/?undone=1"
    assert texts(draft) == texts(chat)


def test_a_reply_whose_model_is_still_being_loaded_says_so(
    client: Client, chat: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(status, "not_loaded", lambda slugs: set(slugs) - set(loaded))
    request = chats.send_message(dialogue=chat, text="More?")
    assert "is not loaded yet" in client.get(f"/dialogues/{chat.pk}/").content.decode()
    loaded.append(request.model_version.slug)
    assert "is about to write" in client.get(f"/dialogues/{chat.pk}/").content.decode()


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_reasoning_model_thought_is_folded_above_its_reply_where_the_project_shows_it(
    client: Client, chat: Dialogue, project: Project, shown: bool
) -> None:
    Project.objects.filter(pk=project.pk).update(show_reasoning=shown)
    makers.answer(chats.send_message(dialogue=chat, text="More?"), "More.")
    Completion.objects.filter(text="More.").update(reasoning="Let me think.")
    for _ in range(2):  # as the reply that has just ended, and as a turn
        html = client.get(f"/dialogues/{chat.pk}/").content.decode()
        assert html.count("Let me think.") == html.count('<details class="reasoning">') == shown
        chats.store_ended_replies()
