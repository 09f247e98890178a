"""What every answer carries, and what is said when something of ours fails."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User
from config import api_docs

pytestmark = pytest.mark.django_db


def test_what_is_behind_a_login_is_kept_by_no_cache(client: Client, alice: User) -> None:
    client.force_login(alice)
    for path in ("/", "/history/"):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"
    assert "no-store" not in Client().get("/api/v1/schema/").headers.get("Cache-Control", "")


def test_an_error_of_ours_is_a_problem_to_programs_and_a_page_to_people(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("accounts.tokens.digest", breaks)
    client.raise_request_exception = False
    answer = client.get("/api/v1/model-versions/", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["status"] == 500
    monkeypatch.setattr("operations.health.report", breaks)
    page = client.get("/readyz")
    assert page.status_code == 500
    assert "Something went wrong" in page.content.decode()


def test_schema_and_docs_are_built_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    api_docs.description.cache_clear()
    built: list[int] = []
    original = SchemaGenerator.get_schema

    def counted(self: SchemaGenerator, *args: object, **kwargs: object) -> object:
        built.append(1)
        return original(self, *args, **kwargs)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    for path in ("/api/v1/schema/", "/api/v1/docs/", "/api/v1/schema/", "/api/v1/docs/"):
        assert client.get(path).status_code == 200
    assert len(built) == 1


def test_docs_are_throttled_by_the_address_that_the_server_sees(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rest_framework.throttling.AnonRateThrottle.rate", "3/min", raising=False)
    statuses = [
        client.get(
            "/api/v1/docs/", REMOTE_ADDR="203.0.113.77", headers={"X-Forwarded-For": f"198.51.100.{n}"}
        ).status_code
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


def test_without_mail_the_page_says_who_helps_and_no_page_of_people_shows_a_command(client: Client) -> None:
    page = client.get("/accounts/password/reset/").content.decode()
    assert "Ask the person who runs this site" in page
    rooms = ("account", "allauth", "labeling", "managing", "mfa", "moderation", "socialaccount", "usersessions")
    templates = [path for room in rooms for path in (settings.BASE_DIR / "templates" / room).rglob("*.html")]
    assert templates
    assert not [path for path in templates if "manage.py" in path.read_text()]
