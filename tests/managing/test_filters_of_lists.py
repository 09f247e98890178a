"""A filter that is given what it does not have narrows nothing, and every list of managers and reviewers says so."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling.models import Project

pytestmark = pytest.mark.django_db
SAID = "The list is not narrowed to “no-such”"
LISTS = {
    "/manage/projects/demo/feedback/": ("problem", "thumb"),
    "/manage/projects/demo/time/": ("month",),
    "/projects/demo/review/": ("reason", "trainer", "round"),
    "/projects/demo/review/content/": ("kind",),
}
KNOWN = {
    "problem": "false", "thumb": "up", "month": "2026-11", "reason": "fast", "trainer": "alice", "round": "1",
    "kind": "wrong",
}  # fmt: skip


@pytest.mark.parametrize(("address", "name"), [(at, name) for at, names in LISTS.items() for name in names])
def test_an_unknown_value_is_named_and_narrows_nothing(
    client: Client, project: Project, alice: User, mona: User, address: str, name: str
) -> None:
    client.force_login(mona)
    page = client.get(address, {name: "no-such\x00"}).content.decode()
    assert SAID in page
    assert "selected" not in page.split(f'name="{name}"')[-1].split("</select>")[0]
    for value in (KNOWN[name], ""):
        assert "The list is not narrowed" not in client.get(address, {name: value}).content.decode()


def test_the_csv_of_feedback_is_not_made_of_something_else(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    address = "/manage/projects/demo/feedback/feedback.csv"
    assert client.get(address, {"problem": "no-such"}).status_code == 400
    assert client.get(address, {"problem": "", "thumb": "down"}).status_code == 200
