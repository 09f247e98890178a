"""What may be met in a project is read before the first task, by the machine that asks for terms and guidelines."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from labeling import agreements, content_warnings, leases, projects
from labeling.errors import Conflict, Invalid, NotAgreed
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def warned(project: Project, mona: User) -> Project:
    content_warnings.publish_warning(project=project, text="Some texts tell of *violence*.", by=mona)
    return project


def test_it_is_read_before_the_first_task_and_again_where_it_changed(
    client: Client, warned: Project, alice: User
) -> None:
    makers.make_comparison(warned)
    client.force_login(alice)
    home = client.get("/").content.decode()
    assert "Some texts tell of <em>violence</em>." in home
    assert "Content warning to read" in home
    asked = client.post(f"/projects/{warned.slug}/rank/", follow=True)
    assert asked.redirect_chain == [(f"/projects/{warned.slug}/agree/?then=ranking", 302)]
    assert "What you may meet in" in asked.content.decode()
    said = {"what": "warning", "version": "1", "then": "ranking"}
    went = client.post(f"/projects/{warned.slug}/agree/", said)
    assert went["Location"].startswith("/ranking/")
    assert agreements.owed(warned, alice) is None
    content_warnings.publish_warning(project=warned, text="Some texts tell of hate.")
    assert agreements.owed(warned, alice) == agreements.Owed("warning", 2, 1)
    with pytest.raises(Conflict):
        content_warnings.read_warning(project=warned, person=alice, number=1)


def test_taken_back_it_is_asked_of_nobody(warned: Project, alice: User) -> None:
    content_warnings.publish_warning(project=warned, text=" \n")
    assert agreements.owed(warned, alice) is None
    with pytest.raises(Invalid):
        content_warnings.read_warning(project=warned, person=alice, number=2)
    assert leases.lease_next(project=warned, trainer=alice) == (None, False)


def test_programs_are_asked_where_the_project_says_so(client: Client, warned: Project, alice: User) -> None:
    makers.make_comparison(warned)
    assert leases.lease_next(project=warned, trainer=alice, by_program=True)[1]
    projects.change_settings(project=warned, programs_acknowledge=True)
    headers = {"authorization": f"Bearer {tokens.create(user=alice)}"}
    (owed,) = client.get(f"/api/v1/projects/{warned.slug}/agreements/", headers=headers).json()
    assert (owed["what"], owed["version"], owed["text"]) == ("warning", 1, "Some texts tell of *violence*.")
    with pytest.raises(NotAgreed):
        leases._new(warned, alice, by_program=True)


def test_the_manager_writes_it_with_a_preview(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    address = f"/manage/projects/{project.slug}/warning/"
    assert "<em>hate</em>" in client.post(address, {"text": "*hate*", "preview": "1"}).content.decode()
    assert client.post(address, {"text": " ", "note": ""}).status_code == 422
    assert client.post(address, {"text": "*hate*", "note": ""}).status_code == 302
    shown = client.get(address).content.decode()
    assert "0 people have read it" in shown
    assert client.post(address, {"text": "", "note": "none any more"}).status_code == 302
    assert project.warnings.count() == 2
