"""With Redis away or silent the API reads and writes, each call within a second, and lock-outs stay shut."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from common import cache as common_cache
from common import redis_client
from common.cache import SharedOrOwn
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)
TIMEOUT = redis_client.TIMEOUT  # as it is at work: tests have more
Cut = Callable[[], None]


class Waits(redis_client.Away):
    """Counts how often Redis did not answer."""

    times = 0

    def note(self) -> bool:
        self.times += 1
        return super().note()


@pytest.fixture(params=["away", "silent"])
def cut(
    request: pytest.FixtureRequest, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cut]:
    """Cuts Redis off: nobody there, or somebody who takes connections and says nothing."""
    path = tmp_path / "redis.sock"
    listener = socket.socket(socket.AF_UNIX)
    if request.param == "silent":
        listener.bind(str(path))
        listener.listen(50)
    fresh = Waits()
    monkeypatch.setattr(redis_client, "away", fresh)
    cache.clear()
    for module in (redis_client, common_cache):
        monkeypatch.setattr(module, "TIMEOUT", TIMEOUT)
    caches["default"]  # so that there is one to put another in place of

    def now() -> None:
        settings.REDIS_URL = f"unix://{path}?db=0"
        monkeypatch.setattr(vars(caches)["_connections"], "default", SharedOrOwn(settings.REDIS_URL, {}, away=fresh))

    yield now
    cache.clear()
    listener.close()


def waits_of(call: Callable[[], object]) -> int:
    """How often `call` waits for Redis, each time no longer than TIMEOUT."""
    away = redis_client.away
    assert isinstance(away, Waits)
    before = away.times
    call()
    return away.times - before


def test_the_api_reads_and_writes(project: Project, alice: User, api: Callable[..., APIClient], cut: Cut) -> None:
    client = api(alice)
    cut()
    most = waits_of(lambda: client.get("/api/v1/projects/"))
    begun = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": "chat"}, format="json")
    assert begun.status_code == 201
    sent: list[int] = []

    def write() -> None:
        path = f"/api/v1/dialogues/{begun.data['id']}/turns/"
        sent.append(client.post(path, {"text": "Hello?"}, format="json").status_code)

    most = max(most, waits_of(write))
    assert sent == [201]
    assert most * TIMEOUT < 1.0


def test_who_is_locked_out_stays_so(alice: User, client: Client, cut: Cut) -> None:
    for _ in range(6):
        client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    cut()
    answer = client.post("/accounts/login/", {"login": "alice", "password": makers.PASSWORD})
    assert answer.status_code == 429 or "too many" in answer.content.decode().lower()


def test_who_guesses_tokens_stays_out_and_is_still_counted(alice: User, cut: Cut) -> None:
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Bearer duo_wrong")
    answers = [wrong.get("/api/v1/projects/").status_code for _ in range(15)]
    cut()
    answers += [wrong.get("/api/v1/projects/").status_code for _ in range(10)]
    assert answers == [401] * 20 + [429] * 5


def test_everybody_may_sign_in(alice: User, client: Client, cut: Cut) -> None:
    cut()
    cache.get("anything")
    answer = client.post("/accounts/login/", {"login": "alice", "password": makers.PASSWORD})
    assert answer.status_code == 302
