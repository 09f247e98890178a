"""`/healthz` and `/readyz`: public, honest, and quick."""

from __future__ import annotations

import time

import pytest
import redis
from django.core.cache import cache
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from pytest_django import Settings

from operations import health, worker_heartbeat
from sampler import status
from sampler.models import ModelVersion
from sampler.status import WorkerStatus

WORKER: WorkerStatus = {
    "name": "a-test-worker",
    "at": 0.0,
    "serves": ["smol"],
    "loading": "",
    "stopping": False,
    "loaded": {"smol": {"device": "cpu", "running": 0}},
    "held": 0,
    "metrics": {},
}


@pytest.fixture(autouse=True)
def nobody_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life of this test only, whatever else uses this Redis."""
    monkeypatch.setattr(worker_heartbeat, "PREFIX", f"test:{time.monotonic_ns()}:worker:")
    monkeypatch.setattr(status, "PREFIX", f"test:{time.monotonic_ns()}:sampler:")
    monkeypatch.setattr(health, "_seen", health._Seen())


def worker_lives() -> None:
    with worker_heartbeat.client() as client:
        client.set(f"{worker_heartbeat.PREFIX}default@here", "1", ex=15)


def checks_of(client: Client) -> tuple[int, dict[str, dict[str, object]]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_healthz_answers_without_a_login_and_without_the_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_is_200_when_everything_is_there(client: Client) -> None:
    worker_lives()
    status.report({**WORKER, "at": time.time()})
    code, checks = checks_of(client)
    assert code == 200, checks
    assert set(checks) == {"database", "redis", "migrations", "worker", "disk", "sampler"}
    assert checks["sampler"]["detail"] == "serves smol"
    assert "no-store" in client.get("/readyz")["Cache-Control"]


@pytest.mark.django_db
def test_readyz_names_the_worker_that_is_missing(client: Client) -> None:
    status.report({**WORKER, "at": time.time()})
    code, checks = checks_of(client)
    assert code == 503
    assert [name for name, check in checks.items() if not check["ok"]] == ["worker"]


def test_a_model_is_loaded_where_a_living_worker_says_so_and_where_nobody_can_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status.report({**WORKER, "at": time.time()})
    assert status.not_loaded(["smol", "another"]) == {"another"}
    status.report({**WORKER, "at": time.time(), "loaded": {}, "loading": "smol"})
    assert status.not_loaded(["smol"]) == {"smol"}

    def away(*_: object) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(status, "ask", away)
    assert status.not_loaded(["smol"]) == set()


@pytest.mark.django_db
def test_a_sampler_that_only_begins_or_already_stops_is_not_ready(client: Client) -> None:
    worker_lives()
    ModelVersion.objects.create(slug="smol", engine="fake")
    status.report({**WORKER, "at": time.time(), "loaded": {}})
    assert checks_of(client)[1]["sampler"]["detail"] == "a sampler worker is alive and has not loaded its model yet"
    status.report({**WORKER, "at": time.time(), "stopping": True})
    assert checks_of(client)[1]["sampler"]["detail"] == "no sampler worker is alive"


@pytest.mark.django_db
def test_before_a_model_is_registered_no_sampler_is_missing(client: Client) -> None:
    worker_lives()
    assert checks_of(client)[1]["sampler"] == {"ok": True, "detail": "no model is registered yet"}


@pytest.mark.django_db
def test_a_sampler_without_named_models_is_ready_to_load_on_demand(client: Client) -> None:
    worker_lives()
    status.report({**WORKER, "at": time.time(), "serves": [], "loaded": {}})
    assert checks_of(client)[0] == 200


@pytest.mark.django_db
def test_a_model_that_cannot_be_loaded_is_reported_with_its_reason(client: Client) -> None:
    reason = "The file ends early."
    ModelVersion.objects.create(slug="smol", engine="fake", state="failed", state_reason=reason)
    status.report({**WORKER, "at": time.time(), "loaded": {}})
    assert checks_of(client)[1]["sampler"]["failed"] == f"The model smol cannot be loaded: {reason}"


@pytest.mark.django_db
def test_migrations_that_were_not_applied_are_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *a, **k: ["one", "two"])
    code, checks = checks_of(client)
    assert code == 503
    assert checks["migrations"]["detail"] == "2 not applied: run manage.py migrate"


@pytest.mark.django_db
def test_an_unreachable_redis_is_a_503_and_no_error_page(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    code, checks = checks_of(client)
    assert code == 503
    assert "does not answer" in str(checks["redis"]["detail"])
    assert checks["worker"]["detail"] == "not looked at without redis"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_pages_are_read_only(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_signs_of_life_of_killed_workers_are_dropped_by_a_new_start(client: Client) -> None:
    worker_lives()
    status.report({**WORKER, "at": time.time()})
    worker_heartbeat.forget()
    checks = checks_of(client)[1]
    assert (checks["worker"]["ok"], checks["sampler"]["detail"]) == (False, "no model is registered yet")


@pytest.mark.django_db
def test_guesses_at_the_token_of_metrics_are_told_to_wait(client: Client, settings: Settings) -> None:
    cache.clear()
    settings.METRICS_TOKEN = "m" * 40

    def asked(token: str, address: str = "203.0.113.40") -> int:
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "198.51.100.7"}
        return client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code

    assert [asked(f"guess {number}") for number in range(22)] == [404] * 20 + [429] * 2
    assert asked("m" * 40) == 200
    assert asked("another guess", "203.0.113.41") == 404
    cache.clear()
