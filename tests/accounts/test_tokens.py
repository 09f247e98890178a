"""API tokens: hashed, scoped, expiring, revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import tokens
from accounts.models import ApiToken, User
from common import throttling
from labeling.models import Membership, Project

pytestmark = pytest.mark.django_db


def get(client: Client, token: str, address: str = "/api/v1/projects/") -> HttpResponseBase:
    return client.get(address, headers={"Authorization": f"Bearer {token}"})


def test_a_token_opens_the_api_and_is_stored_only_as_a_hash(client: Client, alice: User) -> None:
    token = tokens.create(user=alice)
    assert get(client, token).status_code == 200
    row = ApiToken.objects.get()
    assert token not in str(row.__dict__)
    assert row.prefix == token[:12]
    assert row.last_used_at is not None


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer a b", "Bearer nonsense", "Basic YTpi", "Bearer \u00ff"])
def test_without_a_good_token_the_answer_is_401_with_a_sentence(client: Client, db: None, header: str) -> None:
    response = client.get("/api/v1/projects/", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    assert response.json()["detail"].endswith(".")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_expired_revoked_and_inactive_tokens_are_refused(client: Client, alice: User) -> None:
    expired = tokens.create(user=alice, expires_at=timezone.now() - timedelta(seconds=1))
    assert get(client, expired).status_code == 401
    revoked = tokens.create(user=alice)
    assert tokens.revoke(token=ApiToken.objects.get(digest=tokens.digest(revoked)), by=alice)
    assert get(client, revoked).status_code == 401
    good = tokens.create(user=alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert get(client, good).status_code == 401


def test_a_scoped_token_does_only_what_its_scope_says(client: Client, project: Project, alice: User) -> None:
    token = tokens.create(user=alice, scopes=["read"])
    assert get(client, token).status_code == 200
    refused = client.post(
        f"/api/v1/projects/{project.slug}/assignments/",
        headers={"Authorization": f"Bearer {token}"},
        content_type="application/json",
    )
    assert (refused.status_code, refused.json()["detail"]) == (403, "This token lacks the scope 'label'.")
    with pytest.raises(ValueError, match="no scope"):
        tokens.create(user=alice, scopes=["everything"])


def test_a_browsers_session_does_not_open_the_api(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/api/v1/projects/").status_code == 401


def test_too_many_requests_are_429_with_a_time_to_come_back(
    client: Client, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.cache import cache
    from rest_framework.throttling import SimpleRateThrottle

    cache.clear()
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"user": "2/min", "anon": "2/min"})
    monkeypatch.setattr(throttling.Rate, "timer", staticmethod(lambda: 6_000_000.0))  # no minute turns meanwhile
    monkeypatch.setattr(throttling.Rate, "_counts", {})
    token = tokens.create(user=alice)
    assert [get(client, token).status_code for _ in range(3)] == [200, 200, 429]
    assert int(get(client, token).headers["Retry-After"]) > 0
    cache.clear()


def test_create_token_prints_it_once(capsys: pytest.CaptureFixture[str], alice: User) -> None:
    call_command("create_token", "alice", "--scope", "read", "--days", "1")
    token = capsys.readouterr().out.strip()
    row = ApiToken.objects.get(digest=tokens.digest(token))
    assert row.expires_at is not None
    assert (row.scopes, row.expires_at.date()) == (["read"], (timezone.now() + timedelta(days=1)).date())
    with pytest.raises(CommandError, match="no active user"):
        call_command("create_token", "nobody")


def test_create_user_prints_a_password_that_works(
    capsys: pytest.CaptureFixture[str], client: Client, project: Project
) -> None:
    call_command("create_user", "dora", "--project", project.slug, "--role", "reviewer")
    password = capsys.readouterr().out.strip()
    assert client.login(username="dora", password=password)
    assert Membership.objects.get(user__username="dora").role == "reviewer"
    with pytest.raises(CommandError, match="already"):
        call_command("create_user", "Dora", "--project", project.slug, "--role", "reviewer")
    with pytest.raises(CommandError, match="no project"):
        call_command("create_user", "eve", "--project", "none", "--role", "guest")
    assert not User.objects.filter(username="eve").exists()


def test_wrong_tokens_are_told_to_wait_and_right_ones_are_not(client: Client, alice: User) -> None:
    right = tokens.create(user=alice)
    statuses = [
        client.get("/api/v1/model-versions/", headers={"Authorization": f"Bearer duo_{number}"}).status_code
        for number in range(tokens.GUESSES + 2)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    answer = client.get("/api/v1/model-versions/", headers={"Authorization": f"Bearer {right}"})
    assert answer.status_code in {200, 403}
