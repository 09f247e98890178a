"""The page of the Hub: who may push where, and what it says of a withdrawal."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from exports.models import ExportRun
from hub import pushes, tasks
from hub.models import Push, Repository
from labeling.models import Project
from labeling.withdrawal import withdraw
from managing.pages.exporting import name_of
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture
from tests.hub.conftest import hub, run  # noqa: F401 - fixtures
from tests.stand_ins.hub import HubServer

PAGE = "/manage/projects/demo/hub/"


@pytest.fixture
def manager(client: Client, mona: User) -> Client:
    client.force_login(mona)
    return client


def text_of(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_an_export_is_pushed_watched_and_taken_back(
    manager: Client,
    hub: HubServer,  # noqa: F811
    run: ExportRun,  # noqa: F811
    alice: User,
    mona: User,
) -> None:
    page = manager.get(f"{PAGE}?export={name_of(run)}")
    assert page.context["form"]["export"].value() == name_of(run)
    said = {"export": name_of(run), "name": "kind-answers"}
    assert manager.post(PAGE, said)["Location"] == PAGE
    push = Push.objects.get()
    assert (push.requested_by, push.repository.name, push.repository.private) == (mona, "acme/kind-answers", True)
    assert "not there yet" in text_of(manager)
    part = manager.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" in part
    assert "<html" not in part
    assert tasks.push(str(push.pk)) == "finished"
    assert "on the Hub</span>" in text_of(manager)
    assert "withdrew" not in text_of(manager)
    assert b"People may withdraw what they wrote." in hub.files("acme/kind-answers")["README.md"]
    withdraw(project=run.project, user=alice)
    assert "Somebody withdrew their data after something was pushed here." in text_of(manager)
    manager.post(f"{PAGE}{push.repository_id}/take-back/")
    assert "being deleted" in text_of(manager)
    assert tasks.take_back(str(push.repository_id)) == "gone"
    assert hub.repos == {}
    assert "Taken back by mona" in text_of(manager)


def test_a_new_export_goes_into_the_same_data_set_and_not_into_another_projects(
    manager: Client,
    hub: HubServer,  # noqa: F811
    run: ExportRun,  # noqa: F811
    mona: User,
) -> None:
    made = Repository.objects.create(project=run.project, name="acme/ours", state="made")
    Repository.objects.create(project=makers.make_project("poems"), name="acme/theirs", state="made")
    refused = manager.post(PAGE, {"export": name_of(run), "into": "acme/theirs"})
    assert refused.status_code == 422
    assert "acme/theirs is not one of the available choices" in refused.content.decode()
    assert manager.post(PAGE, {"export": name_of(run), "into": "acme/ours", "public": "on"}).status_code == 302
    assert Push.objects.get().repository == made
    assert (
        "on its way into acme/ours already"
        in manager.post(PAGE, {"export": name_of(run), "into": "acme/ours"}).content.decode()
    )


@pytest.mark.parametrize(
    ("said", "answer"),
    [({"name": "a b"}, "A name on the Hub"), ({"name": ""}, "needs a name"), ({"export": "x", "name": "x"}, "one of")],
)
def test_what_cannot_be_is_answered_on_the_form(
    manager: Client,
    hub: HubServer,  # noqa: F811
    run: ExportRun,  # noqa: F811
    said: dict[str, str],
    answer: str,
) -> None:
    page = manager.post(PAGE, {"export": name_of(run)} | said)
    assert page.status_code == 422
    assert answer in page.content.decode()
    assert not Push.objects.exists()


def test_a_manager_whose_project_has_no_namespace_is_refused_and_reviewers_find_no_page(
    manager: Client,
    hub: HubServer,  # noqa: F811
    run: ExportRun,  # noqa: F811
    rita: User,
    settings: Settings,
    project: Project,
) -> None:
    settings.HUB_NAMESPACES = {"lab": frozenset({"poems"})}
    assert pushes.namespaces_of(project) == []
    assert "Nothing can be pushed from this project" in text_of(manager)
    assert manager.post(PAGE, {"export": name_of(run), "namespace": "lab", "name": "x"}).status_code == 404
    manager.force_login(rita)
    settings.HUB_NAMESPACES = {"acme": frozenset()}
    assert manager.get(PAGE).status_code == manager.post(PAGE, {"export": name_of(run), "name": "x"}).status_code == 404
    assert not Push.objects.exists()
    assert hub.asked == []
