"""Invitations: who may open an account, once, and for what."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from labeling import invitations
from labeling.errors import Gone, Invalid
from labeling.models import Invitation, Membership, Project
from tests import makers

pytestmark = pytest.mark.django_db
NEWCOMER = {"username": "nina", "email": "", "password1": makers.PASSWORD, "password2": makers.PASSWORD}


@pytest.fixture
def link(project: Project, mona: User) -> str:
    _, token = invitations.invite(project=project, role="trainer", by=mona)
    return f"/invitations/{token}/"


def role_of(name: str) -> str | None:
    return Membership.objects.filter(user__username=name).values_list("role", flat=True).first()


def test_nobody_signs_up_without_an_invitation(client: Client) -> None:
    client.post("/accounts/signup/", NEWCOMER)
    assert not User.objects.exists()


def test_a_newcomer_opens_an_account_and_is_a_member(client: Client, link: str) -> None:
    assert client.post(link)["Location"] == "/accounts/signup/"
    response = client.post("/accounts/signup/", NEWCOMER)
    assert (response.status_code, response["Location"], role_of("nina")) == (302, "/", "trainer")
    assert Invitation.objects.get().used_by == User.objects.get(username="nina")


def test_a_link_works_once_and_the_next_sign_up_is_refused(client: Client, link: str) -> None:
    client.post(link)
    client.post("/accounts/signup/", NEWCOMER)
    client.post("/accounts/logout/")
    assert client.get(link).status_code == 404
    client.post("/accounts/signup/", {**NEWCOMER, "username": "nora"})
    assert not User.objects.filter(username="nora").exists()


def test_somebody_with_an_account_joins_by_one_click(client: Client, link: str, stranger: User) -> None:
    client.force_login(stranger)
    assert client.get(link).status_code == 200
    assert role_of("sid") is None  # looking is not joining
    client.post(link)
    assert role_of("sid") == "trainer"


def test_an_invitation_never_lowers_a_role(client: Client, link: str, mona: User) -> None:
    client.force_login(mona)
    client.post(link)
    assert role_of("mona") == "manager"


@pytest.mark.parametrize("ended", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(1)}])
def test_a_withdrawn_or_old_link_opens_nothing(client: Client, link: str, ended: dict[str, datetime]) -> None:
    client.post(link)
    Invitation.objects.update(**ended)
    assert client.get(link).status_code == 404
    client.post("/accounts/signup/", NEWCOMER)
    assert not User.objects.filter(username="nina").exists()


def test_a_manager_invites_by_mail_and_sees_the_link_once(
    client: Client, project: Project, mona: User, settings: Settings
) -> None:
    settings.MAIL_IS_SET_UP = True
    client.force_login(mona)
    page = client.post(
        f"/manage/projects/{project.slug}/people/", {"role": "guest", "people": "g@example.org"}, follow=True
    )
    link = mail.outbox[0].body.split("http://testserver")[1].split()[0]
    assert link in page.content.decode()
    assert link not in client.get(f"/manage/projects/{project.slug}/people/").content.decode()
    found = invitations.find(link.split("/")[2])
    assert found is not None
    assert found.role == "guest"


def test_an_address_that_is_invited_again_has_one_link_and_the_page_says_so(
    client: Client, project: Project, mona: User
) -> None:
    other = makers.make_project(slug="other")
    _, elsewhere = invitations.invite(project=other, role="trainer", by=mona, email="g@example.org")
    _, shared = invitations.invite(project=project, role="trainer", by=mona, places=2)
    used, _ = invitations.invite(project=project, role="guest", by=mona, email="g@example.org")
    invitations.accept(invitation=used, user=makers.make_user("nina"))
    _, second = invitations.invite(project=project, role="guest", by=mona, email="g@example.org")
    client.force_login(mona)
    asked = {"role": "trainer", "people": "G@example.org\ng@example.org\nh@example.org"}
    page = client.post(f"/manage/projects/{project.slug}/people/", asked, follow=True).content.decode()
    assert "Invited again: g@example.org. The earlier link lets nobody in any more." in page
    assert invitations.find(second) is None
    assert [invitations.find(token) is not None for token in (elsewhere, shared)] == [True, True]
    used.refresh_from_db()
    assert (used.uses, used.used_at is None, used.revoked_at) == (1, False, None), "what was accepted stays"
    sent = Invitation.objects.open().filter(project=project).exclude(email="")
    assert sorted(sent.values_list("email", "role")) == [("g@example.org", "trainer"), ("h@example.org", "trainer")]
    links = re.findall(r'data-copy="http://testserver/invitations/([^/"]+)/"', page)
    assert [invitations.find(token) is not None for token in links] == [True, True]


def test_a_manager_changes_and_ends_roles_of_members_only(
    client: Client, project: Project, mona: User, alice: User, stranger: User
) -> None:
    client.force_login(mona)
    client.post(f"/manage/projects/{project.slug}/people/alice/", {"role": "reviewer"})
    assert role_of("alice") == "reviewer"
    client.post(f"/manage/projects/{project.slug}/people/alice/", {"role": ""})
    assert Membership.objects.get(user=alice).ended_at is not None
    assert client.post(f"/manage/projects/{project.slug}/people/sid/", {"role": "manager"}).status_code == 404


def test_one_link_serves_as_many_as_it_says_and_no_more(project: Project, mona: User) -> None:
    made, token = invitations.invite(project=project, role="trainer", by=mona, places=2)
    people = [makers.make_user(f"nina{number}") for number in range(3)]
    for person in (people[0], people[0], people[1]):  # whoever comes back takes nobody's place
        found = invitations.find(token)
        assert found is not None
        invitations.accept(invitation=found, user=person)
    assert invitations.find(token) is None
    with pytest.raises(Gone):
        invitations.accept(invitation=made, user=people[2])
    assert Membership.objects.filter(project=project, role="trainer").count() == 2
    made.refresh_from_db()
    assert (made.uses, made.places) == (2, 2)


@pytest.mark.parametrize(
    "asked", [(0, "trainer", ""), (501, "trainer", ""), (2, "trainer", "a@b.org"), (2, "manager", "")]
)
def test_a_shared_link_gives_no_say_over_others_and_has_a_bound(
    project: Project, mona: User, asked: tuple[int, str, str]
) -> None:
    places, role, email = asked
    with pytest.raises(Invalid):
        invitations.invite(project=project, role=role, by=mona, places=places, email=email)


def test_the_last_manager_cannot_lock_herself_out_and_is_asked_before_she_steps_down(
    client: Client, project: Project, mona: User, alice: User
) -> None:
    client.force_login(mona)
    address = f"/manage/projects/{project.slug}/people/mona/"
    page = client.post(address, {"role": "trainer"}, follow=True)
    assert "only manager" in page.content.decode(), "said before she is asked"
    client.post(address, {"role": "", "confirmed": "1"})
    assert role_of("mona") == "manager"
    client.post(f"/manage/projects/{project.slug}/people/alice/", {"role": "manager"})
    assert "Give it up" in client.post(address, {"role": "trainer"}).content.decode()
    assert role_of("mona") == "manager"
    client.post(address, {"role": "trainer", "confirmed": "1"})
    assert role_of("mona") == "trainer"
