"""Chats and demonstrations over the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from labeling import chats
from labeling.models import Dialogue, Project
from sampler.models import SampleRequest
from tests import makers

pytestmark = pytest.mark.django_db


def test_a_chat_from_first_message_to_submission_and_back(
    project: Project, alice: User, api: Callable[..., APIClient]
) -> None:
    client = api(alice)
    begun = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": "chat"}, format="json")
    assert (begun.status_code, begun.data["turns"], begun.data["reply"]) == (201, [], None)
    base = f"/api/v1/dialogues/{begun.data['id']}"
    sent = client.post(f"{base}/turns/", {"text": "Hello?"}, format="json")
    assert (sent.status_code, sent.data["reply"]["state"]) == (201, "queued")
    assert client.post(f"{base}/turns/", {"text": "Hello??"}, format="json").status_code == 409
    makers.answer(SampleRequest.objects.get(), "Good morning.")
    assert client.get(f"{base}/").data["reply"]["text"] == "Good morning."
    chats.store_ended_replies()
    turns = client.get(f"{base}/").data["turns"]
    assert [(t["role"], t["by_model"]) for t in turns] == [("user", False), ("assistant", True)]
    thumbs = client.put(f"/api/v1/turns/{turns[1]['id']}/feedback/", {"thumb_up": True}, format="json")
    assert thumbs.data == {"thumb_up": True, "reasons": [], "comment": ""}
    assert client.post(f"{base}/submit/").data["state"] == "submitted"
    assert client.post(f"{base}/turns/", {"text": "More"}, format="json").status_code == 410


def test_a_demonstration_with_suggestions(project: Project, alice: User, api: Callable[..., APIClient]) -> None:
    client = api(alice)
    begun = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": "demonstration"}, format="json")
    base = f"/api/v1/dialogues/{begun.data['id']}"
    client.post(f"{base}/turns/", {"role": "user", "text": "What is a fjord?"}, format="json")
    asked = client.post(f"{base}/suggestions/", {"role": "assistant", "n": 2}, format="json")
    assert asked.status_code == 201
    request = SampleRequest.objects.get(purpose="suggestion")
    makers.answer(request, "An inlet.", "A valley of the sea.")
    ready = client.get(f"{base}/suggestions/{asked.data[0]['id']}/").data
    assert (ready["state"], ready["texts"]) == ("done", ["An inlet.", "A valley of the sea."])
    turn = {"role": "assistant", "text": "A narrow inlet.", "completion": str(ready["completions"][0]["id"])}
    assert client.post(f"{base}/turns/", turn, format="json").data["turns"][1]["by_model"] is True
    turn_id = client.get(f"{base}/").data["turns"][1]["id"]
    edited = client.patch(f"/api/v1/turns/{turn_id}/", {"text": "A narrow, deep inlet."}, format="json")
    assert edited.data["turns"][1]["text"] == "A narrow, deep inlet."
    assert client.post(f"{base}/submit/").status_code == 200
    draft = client.post(f"{base}/undo/").data
    assert (draft["state"], draft["id"] != begun.data["id"]) == ("draft", True)


def test_a_request_for_suggestions_of_another_dialogue_is_not_there(
    project: Project, alice: User, bob: User, api: Callable[..., APIClient]
) -> None:
    client = api(alice)
    ids = []
    for _ in range(2):
        begun = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": "demonstration"}, format="json")
        ids.append(begun.data["id"])
    asked = client.post(f"/api/v1/dialogues/{ids[0]}/suggestions/", {"role": "user"}, format="json").data
    assert client.get(f"/api/v1/dialogues/{ids[1]}/suggestions/{asked[0]['id']}/").status_code == 404
    assert client.get(f"/api/v1/dialogues/{ids[0]}/suggestions/{asked[0]['id']}x/").status_code == 404
    assert api(bob).get(f"/api/v1/dialogues/{ids[0]}/suggestions/{asked[0]['id']}/").status_code == 404


def test_a_reviewer_reads_but_does_not_write_anothers_dialogue(
    project: Project, alice: User, rita: User, api: Callable[..., APIClient]
) -> None:
    chat = makers.make_chat(project, alice)
    client = api(rita)
    assert client.get(f"/api/v1/dialogues/{chat.pk}/").status_code == 200
    assert client.post(f"/api/v1/dialogues/{chat.pk}/turns/", {"text": "x"}, format="json").status_code == 404
    assert client.delete(f"/api/v1/dialogues/{chat.pk}/").status_code == 404
    turn = chat.turns.get(role="assistant")
    assert client.put(f"/api/v1/turns/{turn.pk}/feedback/", {"thumb_up": False}, format="json").status_code == 200


def test_a_guest_chats_and_does_nothing_else(project: Project, guest: User, api: Callable[..., APIClient]) -> None:
    client, base = api(guest), f"/api/v1/projects/{project.slug}"
    assert client.post(f"{base}/dialogues/", {"kind": "chat"}, format="json").status_code == 201
    assert client.post(f"{base}/dialogues/", {"kind": "demonstration"}, format="json").status_code == 400
    assert client.post(f"{base}/assignments/", {"task": "ranking"}, format="json").status_code == 403


def test_a_draft_is_given_up(project: Project, alice: User, api: Callable[..., APIClient]) -> None:
    chat = makers.make_chat(project, alice)
    assert api(alice).delete(f"/api/v1/dialogues/{chat.pk}/").status_code == 204
    assert Dialogue.objects.get().state == "discarded"
