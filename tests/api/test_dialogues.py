"""Chats and demonstrations over the API."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from accounts.models import User
from labeling import chats, corrections, dialogues, projects, turns
from labeling.models import Dialogue, Project, SuggestionRequest, Turn
from labeling.suggestions import request_suggestions
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


def test_only_suggestions_of_this_dialogue_are_named_in_its_turns(
    project: Project, alice: User, api: Callable[..., APIClient]
) -> None:
    other = makers.make_project("elsewhere")
    projects.set_membership(project=other, user=alice, role="trainer")
    client = api(alice)
    bases, offered = [], []
    for place in (project, project, other):
        begun = client.post(f"/api/v1/projects/{place.slug}/dialogues/", {"kind": "demonstration"}, format="json")
        bases.append(f"/api/v1/dialogues/{begun.data['id']}")
        client.post(f"{bases[-1]}/suggestions/", {"role": "user", "n": 1}, format="json")
        asked = SampleRequest.objects.filter(purpose="suggestion", state="queued").get()
        offered += makers.answer(asked, f"Is it text {len(bases)}?")
    turn = {"role": "user", "text": "Is it?"}
    for foreign in offered[1:]:
        for named in ({"completion": str(foreign.pk)}, {"suggestions_shown": [str(foreign.pk)]}):
            answer = client.post(f"{bases[0]}/turns/", turn | named, format="json")
            assert (answer.status_code, answer.data["detail"]) == (400, "There is no such suggestion in this dialogue.")
    own = {"completion": str(offered[0].pk), "suggestions_shown": [str(offered[0].pk)]}
    kept = client.post(f"{bases[0]}/turns/", turn | own, format="json").data["turns"][0]
    edit = {"text": "Or is it?", "completion": str(offered[1].pk)}
    assert client.patch(f"/api/v1/turns/{kept['id']}/", edit, format="json").status_code == 400


def test_the_database_refuses_a_turn_that_names_a_suggestion_of_another_project(project: Project, alice: User) -> None:
    other = makers.make_project("elsewhere")
    projects.set_membership(project=other, user=alice, role="trainer")
    here, there = (
        dialogues.start_dialogue(project=place, author=alice, kind="demonstration") for place in (project, other)
    )
    (request,) = request_suggestions(dialogue=there, role="user", n=1)
    (completion,) = makers.answer(request, "Is it?")
    with pytest.raises(IntegrityError, match="suggestion of another project"), transaction.atomic():
        Turn.objects.create(dialogue=here, position=0, role="user", text="Is it?", completion=completion)
    turn = Turn.objects.create(dialogue=there, position=0, role="user", text="Is it?", completion=completion)
    with pytest.raises(IntegrityError), transaction.atomic():
        Turn.objects.filter(pk=turn.pk).update(dialogue=here)


def test_a_copy_of_taken_back_work_still_names_what_was_offered_before(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="What is a fjord?")
    (request,) = request_suggestions(dialogue=dialogue, role="assistant", n=1)
    (completion,) = makers.answer(request, "An inlet.")
    turns.add_turn(dialogue=dialogue, role="assistant", text="An inlet.", completion=completion)
    dialogues.submit_dialogue(dialogue=dialogue)
    draft = corrections.undo_submission(dialogue=dialogue)
    turns.edit_turn(turn=draft.turns.get(position=1), text="A narrow inlet.", completion=completion)


def test_suggestions_asked_for_before_the_table_was_there_are_found(project: Project, alice: User) -> None:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="What is a fjord?")
    asked = [request_suggestions(dialogue=dialogue, role="assistant", n=1)[0] for _ in range(4)]
    (used,), (shown,) = (makers.answer(request, "An inlet.") for request in asked[:2])
    turns.add_turn(
        dialogue=dialogue, role="assistant", text="A bay.", completion=used, suggestions_shown=[str(shown.pk)]
    )
    turns.save_composer(dialogue=dialogue, composer={"requests": [str(asked[2].pk)]})
    before = set(SuggestionRequest.objects.values_list("dialogue", "request"))
    SuggestionRequest.objects.all().delete()
    migration = import_module("labeling.migrations.0011_suggestion_requests_asked_before")
    with connection.cursor() as cursor:
        cursor.execute(migration.FORWARD)
    found = set(SuggestionRequest.objects.values_list("dialogue", "request"))
    assert found == {pair for pair in before if pair[1] != asked[3].pk}  # nothing names the fourth


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


def test_a_given_prompt_is_answered_over_the_api(project: Project, alice: User, api: Callable[..., APIClient]) -> None:
    client, address = api(alice), f"/api/v1/projects/{project.slug}/dialogues/"
    wanted = {"kind": "demonstration", "given": True}
    assert client.post(address, wanted, format="json").status_code == 400  # the pool is empty
    (prompt,) = projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "Name a river."}]])
    for wrong in ({"kind": "chat"}, {"prompt": str(prompt.pk)}):
        assert client.post(address, wanted | wrong, format="json").status_code == 400
    begun = client.post(address, wanted, format="json")
    assert (begun.status_code, [turn["text"] for turn in begun.data["turns"]]) == (201, ["Name a river."])
    base = f"/api/v1/dialogues/{begun.data['id']}"
    given = begun.data["turns"][0]["id"]
    assert client.patch(f"/api/v1/turns/{given}/", {"text": "Name a lake."}, format="json").status_code == 400
    client.post(f"{base}/turns/", {"role": "assistant", "text": "The Rhine."}, format="json")
    assert client.post(f"{base}/submit/").data["state"] == "submitted"
