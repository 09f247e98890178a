"""Guests as in the research preview: by a link to a chat, so many messages a day, what is kept, and taking it back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from labeling import chats, corrections, dialogues, invitations, kept, projects, quota, terms, withdrawal
from labeling.errors import Invalid, LabelingError, NotAgreed, OverQuota
from labeling.models import Dialogue, KeptAcceptance, Membership, Project, TermsAcceptance
from sampler.models import SampleRequest
from tests import makers
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
NEWCOMER = {"username": "nina", "email": "", "password1": makers.PASSWORD, "password2": makers.PASSWORD}


def limit(project: Project, messages: int) -> None:
    projects.change_settings(project=project, guest_messages_per_day=messages)


def test_a_newcomer_comes_by_the_link_reads_what_is_kept_and_is_in_a_chat(
    client: Client, project: Project, mona: User
) -> None:
    terms.publish_terms(project=project, text="Words of the project's own.", by=mona)
    _, token = invitations.invite(project=project, role="guest", by=mona, places=50)
    client.post(f"/invitations/{token}/")
    notice = client.post("/accounts/signup/", NEWCOMER)["Location"]
    assert notice == f"/projects/{project.slug}/agree/?then=chat"
    page = client.get(notice).content.decode()
    assert all(title in page for title, _ in kept.SENTENCES)
    assert "Words of the project&#x27;s own." in page or "Words of the project's own." in page
    said = {"what": "notice", "version": kept.NUMBER, "terms": 1, "then": "chat"}
    chat = client.post(f"/projects/{project.slug}/agree/", said)["Location"]
    assert client.get(chat).status_code == 200
    assert [one.number for one in KeptAcceptance.objects.all()] == [kept.NUMBER]
    assert TermsAcceptance.objects.count() == 1


def test_somebody_with_an_account_joins_and_is_shown_the_notice_once(
    client: Client, project: Project, mona: User, stranger: User
) -> None:
    _, token = invitations.invite(project=project, role="guest", by=mona, places=50)
    client.force_login(stranger)
    assert client.post(f"/invitations/{token}/")["Location"] == f"/projects/{project.slug}/agree/?then=chat"
    with pytest.raises(NotAgreed):
        dialogues.start_dialogue(project=project, author=stranger, kind="chat")
    terms.accept_notice(project=project, person=stranger, number=kept.NUMBER)
    assert "/dialogues/" in client.post(f"/invitations/{token}/")["Location"]


def test_a_guest_sees_chat_and_feedback_only(client: Client, project: Project, guest: User) -> None:
    chat = makers.make_chat(project, guest, turns=1)
    chat.turns.filter(role="user").update(position=5)
    chat.turns.create(position=0, role="system", text="You are SmolSecret.")
    makers.make_comparison(project)
    client.force_login(guest)
    pages = [client.get(address).content.decode() for address in ("/", "/history/", f"/dialogues/{chat.pk}/")]
    for hidden in ("Guidelines", "Rank", "Practice", "Questions", "SmolSecret", "My numbers", "fake-"):
        assert not [page for page in (pages[0], pages[2]) if hidden in page], hidden
    assert "SmolSecret" not in client.get(f"/content/dialogues/{chat.pk}/").content.decode()
    for address in ("guidelines/", "questions/", "practice/", "nothing/"):
        assert client.get(f"/projects/{project.slug}/{address}").status_code == 404
    assert client.get(f"/dialogues/{chat.pk}/questions/").status_code == 404
    for address in ("", f"projects/{project.slug}/", f"projects/{project.slug}/people/"):
        assert client.get(f"/manage/{address}").status_code in (302, 403, 404)


def test_the_api_tells_a_guest_of_the_chat_only(project: Project, guest: User) -> None:
    chat = makers.make_chat(project, guest, turns=1)
    chat.turns.filter(role="user").update(position=5)
    chat.turns.create(position=0, role="system", text="You are SmolSecret.")
    client, base = client_of(guest), f"/api/v1/projects/{project.slug}"
    said = client.get(f"{base}/").data
    assert (said["guidelines"], said["guideline_version"], said["task_types"]) == ("", None, ["chat"])
    assert "SmolSecret" not in client.get(f"/api/v1/dialogues/{chat.pk}/").content.decode()
    for address in ("progress", "rounds", "members", "comparisons", "questions", "insights"):
        assert client.get(f"{base}/{address}/").status_code == 403, address
    assert client.get("/api/v1/model-versions/").status_code == 403


def test_a_day_holds_so_many_messages_and_says_when_the_next_begins(project: Project, guest: User) -> None:
    limit(project, 2)
    chat = makers.make_chat(project, guest, turns=2)
    with pytest.raises(OverQuota, match="2 messages today") as refused:
        chats.send_message(dialogue=chat, text="One more?")
    assert refused.value.opens_at > timezone.now()
    assert refused.value.opens_at.astimezone(UTC).time() == datetime.min.time()
    found = quota.left(project, guest)
    assert found is not None
    assert found.messages == 0
    SampleRequest.objects.filter(purpose="reply").update(created_at=timezone.now() - timedelta(days=1))
    chats.send_message(dialogue=chat, text="The day after.")


def test_what_the_model_failed_to_answer_is_not_counted_and_asking_again_is(project: Project, guest: User) -> None:
    limit(project, 2)
    chat = makers.make_chat(project, guest, turns=1)
    request = chats.send_message(dialogue=chat, text="And now?")
    SampleRequest.objects.filter(pk=request.pk).update(state="failed", finished_at=timezone.now(), error="x")
    chats.retry_reply(dialogue=chat)
    request = SampleRequest.objects.get(state="queued")
    makers.answer(request, " ")  # stopped before a word
    with pytest.raises(OverQuota):
        chats.retry_reply(dialogue=chat)


def test_trainers_and_projects_without_a_limit_are_not_counted(project: Project, guest: User, alice: User) -> None:
    limit(project, 1)
    makers.make_chat(project, alice, turns=3)
    limit(project, 0)
    makers.make_chat(project, guest, turns=3)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_do_not_pass_the_quota(project: Project, guest: User) -> None:
    limit(project, 3)
    tabs = [dialogues.start_dialogue(project=project, author=guest, kind="chat") for _ in range(8)]

    def send(dialogue: Dialogue) -> bool:
        try:
            chats.send_message(dialogue=dialogue, text="Quick!")
        except LabelingError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, tabs)) == 3
    assert SampleRequest.objects.filter(purpose="reply").count() == 3


def test_the_page_says_what_is_left_before_it_ends_and_keeps_what_was_typed(
    client: Client, project: Project, guest: User
) -> None:
    chat = makers.make_chat(project, guest, turns=1)
    client.force_login(guest)
    assert b'id="quota"' not in client.get(f"/dialogues/{chat.pk}/").content
    limit(project, 6)
    assert b"5 messages left today" in client.get(f"/dialogues/{chat.pk}/").content
    limit(project, 1)
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert "You have no messages left today." in page
    refused = client.post(f"/dialogues/{chat.pk}/send/", {"text": "My long message"})
    assert refused.status_code == 422
    assert "My long message" in refused.content.decode()
    assert "as many as this project allows" in refused.content.decode()


def test_over_the_api_it_is_a_429_that_says_when_it_opens(project: Project, guest: User) -> None:
    limit(project, 1)
    client = client_of(guest)
    chat = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": "chat"}, format="json").data
    assert chat["messages_left"] == 1
    sent = client.post(f"/api/v1/dialogues/{chat['id']}/turns/", {"text": "Hello"}, format="json")
    assert (sent.status_code, sent.data["messages_left"]) == (201, 0)
    makers.answer_all()
    refused = client.post(f"/api/v1/dialogues/{chat['id']}/turns/", {"text": "Again"}, format="json")
    assert (refused.status_code, refused.data["type"]) == (429, "urn:duologue:quota")
    assert refused["Content-Type"] == "application/problem+json"
    assert 0 < int(refused["Retry-After"]) <= 86_400
    assert refused.data["opens_at"].endswith("T00:00:00Z")


def test_a_guest_withdraws_one_chat_after_being_told_what_happens(
    client: Client, project: Project, guest: User
) -> None:
    gone, stays = (makers.make_chat(project, guest, turns=1, submit=True) for _ in range(2))
    makers.answer_all()
    client.force_login(guest)
    asked = client.post(f"/dialogues/{gone.pk}/withdraw/")
    assert "cannot be brought back" in asked.content.decode()
    assert Dialogue.objects.filter(withdrawn_at__isnull=False).count() == 0
    done = client.post(f"/dialogues/{gone.pk}/withdraw/", {"confirmed": "1"}, follow=True)
    assert "The chat is withdrawn." in done.content.decode()
    assert str(gone.pk) not in done.content.decode()
    assert str(stays.pk) in done.content.decode()
    assert set(gone.turns.values_list("text", flat=True)) == {withdrawal.WITHDRAWN}
    assert withdrawal.WITHDRAWN not in stays.turns.values_list("text", flat=True)
    assert Membership.objects.get(user=guest).ended_at is None
    assert AuditEntry.objects.filter(action="dialogue.withdrawn", actor=guest).count() == 1
    assert str(gone.pk) not in client.get("/history/").content.decode()
    assert withdrawal.withdraw_chat(dialogue=gone, by=guest)["dialogues"] == 1  # again: nothing more happens


def test_a_chat_that_was_taken_back_and_written_on_goes_with_its_earlier_version(project: Project, guest: User) -> None:
    first = makers.make_chat(project, guest, turns=1, submit=True)
    second = corrections.undo_submission(dialogue=first)
    withdrawal.withdraw_chat(dialogue=second, by=guest)
    for one in (first, second):
        assert set(one.turns.values_list("text", flat=True)) == {withdrawal.WITHDRAWN}


def test_a_guest_withdraws_everything_and_leaves(client: Client, project: Project, guest: User) -> None:
    chat = makers.make_chat(project, guest, turns=1)
    client.force_login(guest)
    address = f"/projects/{project.slug}/kept/withdraw/"
    assert "You leave the project." in client.post(address).content.decode()
    client.post(address, {"confirmed": "1"})
    assert Membership.objects.get(user=guest).withdrawn_at is not None
    assert set(chat.turns.values_list("text", flat=True)) == {withdrawal.WITHDRAWN}
    assert client.get(f"/projects/{project.slug}/kept/").status_code == 404
    projects.set_membership(project=project, user=guest, role="guest")
    with pytest.raises(NotAgreed):  # whoever comes back reads it anew
        dialogues.start_dialogue(project=project, author=guest, kind="chat")
    projects.count_again(project=project, user=guest)
    terms.accept_notice(project=project, person=guest, number=kept.NUMBER)
    dialogues.start_dialogue(project=project, author=guest, kind="chat")


def test_only_guests_withdraw_by_themselves(client: Client, project: Project, alice: User, guest: User) -> None:
    chat = makers.make_chat(project, alice, turns=1)
    with pytest.raises(Invalid):
        withdrawal.withdraw_chat(dialogue=chat, by=alice)
    client.force_login(alice)
    assert client.post(f"/dialogues/{chat.pk}/withdraw/", {"confirmed": "1"}).status_code == 404
    assert client.post(f"/projects/{project.slug}/kept/withdraw/", {"confirmed": "1"}).status_code == 404
    assert client.get(f"/projects/{project.slug}/kept/").status_code == 200
    client.force_login(guest)
    assert client.post(f"/dialogues/{chat.pk}/withdraw/", {"confirmed": "1"}).status_code == 404
