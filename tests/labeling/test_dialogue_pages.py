"""Demonstration and chat over HTTP, without scripts and as htmx uses them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from labeling import chats, dialogues, projects
from labeling.models import Dialogue, Project, Turn, TurnFeedback
from labeling.pages import dialogue as dialogue_page
from labeling.pages import home as home_page
from labeling.pages.provenance import provenance
from sampler.models import Completion, SampleRequest
from tests import makers

HTMX = {"HX-Request": "true"}
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def demonstration(project: Project, alice: User, client: Client):
    client.force_login(alice)
    return dialogues.start_dialogue(project=project, author=alice, kind="demonstration")


@pytest.fixture
def chat(project: Project, alice: User, client: Client) -> Dialogue:
    client.force_login(alice)
    return makers.make_chat(project, alice)


def fresh(dialogue: Dialogue) -> Dialogue:
    return Dialogue.objects.get(pk=dialogue.pk)


def texts(dialogue: Dialogue) -> list[str]:
    return list(dialogue.turns.order_by("position").values_list("text", flat=True))


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
    assert "Undo and go on writing" in client.get(url).content.decode()


def test_earlier_turns_are_edited_inserted_and_deleted(client: Client, demonstration) -> None:
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


def test_suggestions_are_asked_for_used_edited_and_their_provenance_kept(client: Client, demonstration) -> None:
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "user", "text": "Name a colour."})
    client.post(url + "suggest/", {"role": "assistant", "text": "half a thought"})
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


def test_a_completion_that_was_never_offered_here_is_not_taken_for_one(
    client: Client, demonstration, project: Project, bob: User
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


def test_unsent_text_is_kept_and_a_second_tab_is_told(client: Client, demonstration) -> None:
    url = f"/dialogues/{demonstration.pk}/composer/"
    first = client.post(url, {"role": "user", "text": "first", "draft_version": 0}, headers=SCRIPT)
    second = client.post(url, {"role": "user", "text": "second", "draft_version": 0}, headers=SCRIPT)
    assert (first.status_code, second.status_code) == (200, 409)
    assert fresh(demonstration).composer["text"] == "first"


def test_unsent_text_is_not_lost_in_a_submission(client: Client, demonstration) -> None:
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "user", "text": "q"})
    client.post(url + "turns/", {"role": "assistant", "text": "a"})
    client.post(url + "composer/", {"role": "user", "text": "and also"})
    answer = client.post(url + "submit/")
    assert answer.status_code == 422
    assert "unsent text" in answer.content.decode()


def test_a_chat_streams_settles_and_takes_the_next_message(client: Client, project: Project, alice: User) -> None:
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
    thread = client.post(url + "settle/", headers=HTMX).content.decode()
    assert "Good answer" in thread
    assert "<html" not in thread
    client.post(url + "send/", {"text": "And now?"})
    assert [turn.role for turn in Turn.objects.order_by("position")] == ["user", "assistant", "user"]


def test_a_reply_that_settles_while_the_next_message_is_typed_is_no_second_tab(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    version = fresh(chat).version
    makers.answer(request, "More.")
    chats.settle_ended_replies()
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
    assert "The model fell over." in page
    client.post(f"/dialogues/{chat.pk}/retry/")
    assert fresh(chat).pending_request.state == "queued"


def test_stop_asks_the_sampler_to_stop(client: Client, chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    client.post(f"/dialogues/{chat.pk}/stop/")
    request.refresh_from_db()
    assert request.state == "cancelled" or request.cancel_requested


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
    assert answer["Location"] == f"/dialogues/{draft.pk}/"
    assert texts(draft) == texts(chat)


@pytest.mark.parametrize("step", ["", "composer/", "turns/", "send/", "stop/", "retry/", "settle/", "suggest/",
                                  "suggestions/", "submit/", "undo/", "discard/", "stream/"])  # fmt: skip
def test_another_persons_dialogue_is_not_there(
    client: Client, chat: Dialogue, bob: User, rita: User, step: str
) -> None:
    for user in (bob, rita):
        client.force_login(user)
        send = client.get if step in ("", "suggestions/", "stream/") else client.post
        assert send(f"/dialogues/{chat.pk}/{step}").status_code == 404
        assert send(f"/dialogues/{uuid4()}/{step}").status_code == 404


def test_hostile_text_shows_as_text_in_every_part_of_a_dialogue(client: Client, demonstration) -> None:
    evil = "<script>alert(1)</script></textarea><img src=x onerror=alert(1)>[x](javascript:alert(1))"
    url = f"/dialogues/{demonstration.pk}/"
    client.post(url + "turns/", {"role": "system", "text": evil})
    client.post(url + "turns/", {"role": "user", "text": evil})
    client.post(url + "suggest/", {"role": "assistant", "text": evil})
    makers.answer(SampleRequest.objects.get(), evil, evil, evil)
    pages = [client.get(url)]
    client.post(url + "turns/", {"role": "assistant", "text": evil})
    pages.append(client.get(url))
    client.post(url + "submit/")
    pages += [client.get(url), client.get("/history/"), client.get("/")]
    for page in pages:
        html = page.content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert 'href="javascript' not in html


def test_only_requests_of_the_dialogue_can_be_followed(chat: Dialogue) -> None:
    request = chats.send_message(dialogue=chat, text="More?")
    assert dialogue_page.followable(fresh(chat)) == {str(request.pk)}


# -- home, history, guidelines ---------------------------------------------------------------------


def test_home_offers_what_the_role_opens_and_what_was_begun(
    client: Client, project: Project, alice: User, guest: User
) -> None:
    makers.make_lease(makers.make_comparison(project, prompt="Which is it?"), alice)
    makers.make_comparison(project)
    makers.make_chat(project, alice)
    client.force_login(alice)
    html = client.get("/").content.decode()
    for words in ("Rank the next one", "Begin a dialogue", "Begin a chat", "Which is it?", "Go on"):
        assert words in html
    client.force_login(guest)
    html = client.get("/").content.decode()
    assert "Begin a chat" in html
    assert "Rank the next one" not in html
    assert "Begin a dialogue" not in html


def test_home_tells_a_newcomer_what_is_missing(client: Client, stranger: User) -> None:
    client.force_login(stranger)
    assert "not a member of any project" in client.get("/").content.decode()


def test_agreement_counts_pairs_that_both_ordered(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project, k=3, votes=2)
    makers.make_ranking(comparison, alice, groups=[[0], [1], [2]])
    makers.make_ranking(comparison, bob, groups=[[1], [0, 2]])
    assert home_page.agreement(alice) == (1, 2)  # 1 over 2 agreed, 0 over 1 not; bob ties 0 and 2


def test_history_shows_own_work_only_and_undoes_it(client: Client, project: Project, alice: User, bob: User) -> None:
    mine = makers.make_ranking(makers.make_comparison(project, prompt="Mine?"), alice)
    makers.make_ranking(makers.make_comparison(project, prompt="Theirs?"), bob)
    client.force_login(alice)
    html = client.get("/history/").content.decode()
    assert "Mine?" in html
    assert "Theirs?" not in html
    assert f"/ranking/{mine.assignment_id}/undo/" in html


def test_guidelines_are_read_in_any_version(client: Client, project: Project, alice: User) -> None:
    projects.publish_guidelines(project=project, text="# Second\n\n**Newer** words.", note="clearer")
    client.force_login(alice)
    assert "<strong>Newer</strong>" in client.get(f"/projects/{project.slug}/guidelines/").content.decode()
    assert "older version" in client.get(f"/projects/{project.slug}/guidelines/?v=1").content.decode()
    assert client.get(f"/projects/{project.slug}/guidelines/?v=9").status_code == 404


def test_the_theme_is_remembered_and_leads_nowhere_else(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/theme/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post("/theme/", {"theme": '"><script>'})
    assert "data-theme=" not in client.get("/").content.decode()


# -- cost ------------------------------------------------------------------------------------------

QUERIES = {  # what each page costs, whatever the project's size; a page that costs more must say why
    "home": 11, "ranking": 6, "ranked": 6, "compare": 5, "demonstration": 6, "chat": 6, "dialogue": 6, "history": 6,
    "guidelines": 6,
}  # fmt: skip


def test_no_page_costs_more_queries_than_its_baseline_or_than_12(client: Client, project: Project, alice: User) -> None:
    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert all(query["sql"].startswith("SELECT") for query in queries), "a GET wrote something"
        return len(queries)

    def measure() -> dict[str, int]:
        client.force_login(alice)
        demonstration = makers.make_demonstration(project, alice, submit=False)
        chat = makers.make_chat(project, alice, turns=2)
        done = makers.make_demonstration(project, alice)
        ranked = makers.make_ranking(makers.make_comparison(project, votes=2), alice)
        task = makers.make_lease(makers.make_comparison(project), alice)
        client.get("/")
        return {
            "home": cost("/"),
            "ranking": cost(f"/ranking/{task.pk}/"),
            "ranked": cost(f"/ranking/{ranked.assignment_id}/"),
            "compare": cost(f"/ranking/{task.pk}/compare/?a=A&b=B"),
            "demonstration": cost(f"/dialogues/{demonstration.pk}/"),
            "chat": cost(f"/dialogues/{chat.pk}/"),
            "dialogue": cost(f"/dialogues/{done.pk}/"),
            "history": cost("/history/"),
            "guidelines": cost(f"/projects/{project.slug}/guidelines/"),
        }

    small = measure()
    for number in range(3):
        other = makers.make_project(f"other-{number}")
        projects.set_membership(project=other, user=alice, role="trainer")
        for _ in range(3):
            makers.make_ranking(makers.make_comparison(other, votes=2), alice)
    large = measure()
    assert small == large == QUERIES
    assert max(large.values()) <= 12
