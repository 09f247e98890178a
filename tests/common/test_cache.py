"""Without Redis the counters go on, in each process for itself, and nobody waits."""

from __future__ import annotations

import time
from unittest.mock import Mock

import pytest
from django.test import Client

from accounts.models import User
from common.cache import SharedOrOwn
from common.redis_client import Away


@pytest.fixture
def lonely() -> SharedOrOwn:
    return SharedOrOwn("unix:///nowhere/at/all.sock?db=0", {}, away=Away())


def test_counters_go_on_without_redis(lonely: SharedOrOwn, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Mock(wraps=lonely._cache.get_client)
    monkeypatch.setattr(lonely._cache, "get_client", tried)
    monkeypatch.setattr("common.redis_client.AWAY", 600.0)
    assert lonely.add("tries", 0)
    for _ in range(50):
        lonely.incr("tries")
    assert lonely.get("tries") == 50
    lonely.set("word", "kept", 60)
    assert lonely.get_many(["word", "absent"]) == {"word": "kept"}
    assert lonely.has_key("word")
    assert lonely.delete("word")
    assert tried.call_count == 1, "nobody waits for it again"


def test_redis_is_taken_again_when_it_is_back(lonely: SharedOrOwn) -> None:
    lonely.get("anything")
    assert lonely.away
    lonely.away.until = time.monotonic() - 1
    assert lonely._either(lambda: "shared", lambda: "own") == "shared"


@pytest.mark.django_db
def test_signing_in_is_counted_and_possible_without_redis(
    alice: User, client: Client, lonely: SharedOrOwn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.cache import caches

    caches["default"]  # so that there is one to put another in place of
    monkeypatch.setattr(vars(caches)["_connections"], "default", lonely)
    for _ in range(6):
        client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    answer = client.post("/accounts/login/", {"login": "alice", "password": "correct horse battery staple"})
    assert answer.status_code == 429 or "too many" in answer.content.decode().lower()
