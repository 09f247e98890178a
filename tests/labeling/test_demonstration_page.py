"""The demonstration page over HTTP, without scripts and as htmx uses it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import chats, dialogues, turns
from labeling.models import Dialogue, Project, Turn
from labeling.pages.provenance import provenance
from sampler import status
from sampler.models import Completion, SampleRequest
from tests import makers
from tests.labeling.asking import SCRIPT, fresh, texts


def test_a_demonstration_is_begun_written_and_submitted_with_plain_forms(
    client: Client, project: Project, alice: User
) -> None:
    client.force_login(alice)
    url = client.post(f"/projects/{project.slug}/start/demonstration/")["Location"]
    client.post(url + "turns/", {"role": "user", "text": "Why is the sky blue?"})
    assert 'value="assistant" checked' in client.get(url).content.decode()
    client.post(url + "turns/", {"role": "assistant", "text": "Because of scattering."})
    client.post(url + "submit/")
    dialogue = Dialogue.objects.get()
    assert dialogue.state == "submitted"
    assert texts(dialogue) == ["Why is the sky blue?", "Because of scattering."]
    assert "Undo and keep writing" in client.get(url).content.decode()


def test_earlier_turns_are_edited_inserted_and_deleted(client: Client, demonstration: Dialogue) -> None:
    url = f"/dialogues/{demonstration.pk}/"
    for role, text in (("user", "one"), ("assistant", "two"), ("user", "three")):
        client.post(url + "turns/", {"role": role, "text": text})
    first = Turn.objects.get(text="one")
    client.post(url + "composer/", {"edit_turn": first.pk, "edit_text": ""})
    assert "Edit the user’s turn" in client.get(url).content.decode()
    client.post(f"{url}turns/{first.pk}/edit/", {"edit_text": "one, edited"})
    assert "Edit the user’s turn" not in client.get(url).content.decode()
    client.post(url + "composer/", {"position": 1, "role": ""})
    assert "inserted before turn 2" in client.get(url).content.decode()
    client.post(url + "turns/", {"role": "assistant", "text": "put in between", "position": 1})
    client.post(f"{url}turns/{Turn.objects.get(text='three').pk}/delete/")
    assert texts(demonstration) == ["one, edited", "put in between", "two"]


def test_suggestions_are_asked_for_used_edited_and_their_provenance_kept(
    client: Client, demonstration: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(status, "not_loaded", lambda slugs: set(slugs) - set(loaded))
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "user", "text": "Name a colour."})
    client.post(url + "suggest/", {"role": "assistant", "text": "half a thought"})
    assert "waits until the model is loaded" in client.get(url).content.decode()
    loaded.append(SampleRequest.objects.get().model_version.slug)
    page = client.get(url).content.decode()
    assert "being written" in page
    assert "half a thought</textarea>" in page
    request = SampleRequest.objects.get()
    used, other, _ = makers.answer(request, "Blue is a colour.", "Red.", "Green.")
    page = client.get(url).content.decode()
    assert page.count("data-use=") == 3
    client.post(url + "composer/", {"use": used.pk})
    assert "Blue is a colour.</textarea>" in client.get(url).content.decode()
    client.post(url + "turns/", {"role": "assistant", "text": "Blue is a fine colour.", "completion": used.pk})
    turn = Turn.objects.get(role="assistant")
    assert turn.completion == used
    assert str(other.pk) in turn.suggestions_shown
    assert "from a suggestion, edited" in client.get(url).content.decode()


def test_a_suggestion_of_which_nothing_is_left_was_shown_and_not_used(
    client: Client, demonstration: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "not_loaded", lambda slugs: set())
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "user", "text": "Name a colour."})
    client.post(url + "suggest/", {"role": "assistant"})
    used, other, _ = makers.answer(SampleRequest.objects.get(), "Blue is a colour.", "Red.", "Green.")
    client.post(url + "composer/", {"use": used.pk})
    client.post(url + "composer/", {"text": " ", "completion": used.pk})  # emptied
    demonstration.refresh_from_db()
    assert demonstration.composer["completion"] == ""
    client.post(url + "turns/", {"role": "assistant", "text": "Crimson suits me", "completion": used.pk})
    turn = Turn.objects.get(role="assistant")
    assert (turn.completion, set(turn.suggestions_shown) >= {str(used.pk), str(other.pk)}) == (None, True)
    assert "own words" in client.get(url).content.decode()
    turns.edit_turn(turn=turn, text="Blue is fine.", completion=used)
    assert Turn.objects.get(role="assistant").completion == used
    turns.edit_turn(turn=turn, text="Crimson suits me")
    assert Turn.objects.get(role="assistant").completion is None


def test_a_completion_that_was_never_offered_here_is_not_taken_for_one(
    client: Client, demonstration: Dialogue, project: Project, bob: User
) -> None:
    stranger = makers.answer(
        chats.send_message(dialogue=dialogues.start_dialogue(project=project, author=bob, kind="chat"), text="hello"),
        "secret",
    )[0]
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "composer/", {"use": stranger.pk})
    assert "secret" not in client.get(url).content.decode()
    client.post(url + "turns/", {"role": "user", "text": "mine", "completion": stranger.pk})
    assert Turn.objects.get(dialogue=demonstration).completion is None


@pytest.mark.parametrize(
    ("kept", "kind"), [("Exactly this.", "verbatim"), ("Exactly that.", "edited"), (" Exactly this.\n", "verbatim")]
)
def test_provenance_tells_verbatim_from_edited(db: None, kept: str, kind: str) -> None:
    turn = Turn(text=kept, completion=Completion(text="Exactly this."))
    assert provenance(turn).kind == kind
    assert provenance(Turn(text=kept)).kind == "own"


def test_unsent_text_is_kept_and_a_second_tab_is_told(client: Client, demonstration: Dialogue) -> None:
    url = f"/dialogues/{demonstration.pk}/composer/"
    first = client.post(url, {"role": "user", "text": "first", "draft_version": 0}, headers=SCRIPT)
    second = client.post(url, {"role": "user", "text": "second", "draft_version": 0}, headers=SCRIPT)
    assert (first.status_code, second.status_code) == (200, 409)
    assert fresh(demonstration).composer["text"] == "first"


def test_unsent_text_is_not_lost_in_a_submission(client: Client, demonstration: Dialogue) -> None:
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "user", "text": "q"})
    client.post(url + "turns/", {"role": "assistant", "text": "a"})
    client.post(url + "composer/", {"role": "user", "text": "and also"})
    answer = client.post(url + "submit/")
    assert answer.status_code == 422
    assert "unsent text" in answer.content.decode()
