"""A message longer than the models read is refused before it is stored, with the numbers, wherever it comes from."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import chats, prompt_lengths, turns
from labeling.errors import Invalid
from labeling.models import Dialogue, Project, Turn
from sampler import claims, sampling
from sampler.models import ModelVersion, SampleRequest
from tests import makers
from tests.api.conftest import client_of
from tests.labeling.asking import HTMX, fresh

pytestmark = pytest.mark.django_db


def test_a_message_beyond_what_the_models_read_is_refused_with_the_numbers(
    client: Client, project: Project, alice: User
) -> None:
    ModelVersion.objects.update(context_limit=50)
    chat = makers.make_chat(project, alice, turns=0)
    client.force_login(alice)
    url = f"/dialogues/{chat.pk}/"
    assert 'data-most="200"' in client.get(url).content.decode()
    refused = client.post(url + "send/", {"text": "word " * 50 + "."}, headers=HTMX)
    assert refused.status_code == 422
    assert "This has 251 characters, and at most 200 can be sent." in refused.content.decode()
    assert "word word" in refused.content.decode(), "it is still in the box"
    assert not SampleRequest.objects.exists()
    assert client.post(url + "send/", {"text": "x" * 200}, headers=HTMX).status_code == 200


def test_without_a_known_context_there_is_a_maximum(project: Project, alice: User) -> None:
    chat = makers.make_chat(project, alice, turns=0)
    with pytest.raises(Invalid, match="This has 100,000 characters, and at most 40,000 can be sent"):
        chats.send_message(dialogue=chat, text="x" * 100_000)
    assert not Turn.objects.exists()


@pytest.mark.parametrize("role", ["trainer", "guest"])
def test_it_holds_for_everybody_and_for_the_api(project: Project, role: str) -> None:
    person = makers.make_member(project, "gwen", role=role)
    chat = makers.make_chat(project, person, turns=0)
    answer = client_of(person).post(
        f"/api/v1/dialogues/{chat.pk}/turns/", {"role": "user", "text": "x" * (prompt_lengths.MOST + 1)}, format="json"
    )
    assert answer.status_code in (400, 422)
    assert "40,001" in str(answer.json())


def test_turns_of_a_demonstration_are_bounded_too(demonstration: Dialogue) -> None:
    long = "x" * (prompt_lengths.MOST + 1)
    with pytest.raises(Invalid):
        turns.add_turn(dialogue=demonstration, role="user", text=long)
    turn = turns.add_turn(dialogue=demonstration, role="user", text="short")
    with pytest.raises(Invalid):
        turns.edit_turn(turn=turn, text=long)


def test_while_a_worker_has_not_seen_the_stop_the_page_says_that_it_was_heard(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    claims.claim(worker="busy", model_version_ids=[request.model_version_id], room=1)
    client.post(f"/dialogues/{chat.pk}/stop/", headers=HTMX)
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert "is stopping…" in page
    assert "data-stop disabled" in page
    assert fresh(chat).pending_request_id == request.pk
    assert sampling.cancel(request_id=request.pk)
