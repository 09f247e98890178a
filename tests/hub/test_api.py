"""Pushes over the API: asked for, watched, refused in words."""

from __future__ import annotations

import uuid

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from exports.models import ExportRun
from hub import tasks
from hub.models import Push, Repository
from tests import makers
from tests.hub.test_pushes import NAME
from tests.stand_ins.hub import HubServer

pytestmark = pytest.mark.django_db
PUSHES = "/api/v1/projects/demo/pushes/"


def caller(user: User, scopes: list[str] | None = None) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=user, scopes=scopes or [])}")
    return client


def test_an_export_is_pushed_and_watched_and_the_next_version_goes_into_the_same_data_set(
    hub: HubServer, run: ExportRun, mona: User
) -> None:
    client = caller(mona)
    made = client.post(PUSHES, {"export": str(run.pk), "name": NAME}, format="json")
    assert (made.status_code, made.data["state"], made.data["data_set"]) == (201, "queued", "new")
    busy = client.post(PUSHES, {"export": str(run.pk), "name": NAME}, format="json")
    assert (busy.status_code, "on its way" in busy.json()["detail"]) == (400, True)
    tasks.push(made.data["id"])
    found = client.get(f"{PUSHES}{made.data['id']}/").data
    assert (found["state"], found["data_set"], found["name"]) == ("finished", "made", NAME)
    assert found["private"]
    assert found["commit"]
    assert found["requested_by"] == "mona"
    again = client.post(PUSHES, {"export": str(run.pk), "name": NAME, "private": False}, format="json")
    assert again.status_code == 201
    assert again.data["private"], "an earlier one stays as it is"
    assert [row["id"] for row in client.get(PUSHES).data["results"]] == [again.data["id"], made.data["id"]]
    assert Repository.objects.count() == 1


def test_what_cannot_be_pushed_is_refused_in_words(hub: HubServer, run: ExportRun, mona: User, alice: User) -> None:
    client = caller(mona)
    for name, why in (("elsewhere/x", "not allowed"), ("acme/-x", "A name on the Hub"), ("acme", "A name on the Hub")):
        answer = client.post(PUSHES, {"export": str(run.pk), "name": name}, format="json")
        assert (answer.status_code, why in answer.json()["detail"]) == (400, True), answer.json()
    assert client.post(PUSHES, {"export": str(uuid.uuid4()), "name": NAME}, format="json").status_code == 404
    assert client.get(f"{PUSHES}{uuid.uuid4()}/").status_code == 404
    assert caller(alice).get(PUSHES).status_code == 403
    assert caller(mona, ["read"]).get(PUSHES).status_code == 403
    assert not Push.objects.exists()


def test_another_projects_export_is_not_there(hub: HubServer, run: ExportRun) -> None:
    other = makers.make_project("poems")
    client = caller(makers.make_member(other, "pia", role="manager"))
    answer = client.post("/api/v1/projects/poems/pushes/", {"export": str(run.pk), "name": NAME}, format="json")
    assert answer.status_code == 404
