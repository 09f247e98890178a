"""The named cast and the ground that every test stands on: real PostgreSQL, real Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache as django_cache
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import User
from common import cache, held, redis_client, throttling
from labeling.models import Project
from tests import makers, workers

# A busy machine is slow without anything being wrong: time is bounded by pytest-timeout alone.
hypothesis_settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Test databases are copies of one that was migrated once."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = workers.template_database()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that commit are cleaned up after by TRUNCATE, which the audit log refuses everywhere else."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_not_truncated")


@pytest.fixture(autouse=True)
def _quick_password_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def held_ages(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What is held in the process begins empty, and grows older only by the seconds that a test lets pass: else a
    machine that stops for a second has it read again, in the middle of a test that counts what is read."""
    now = [1000.0]

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(held, "time", Clock)
    held.forget()

    def later(seconds: float) -> None:
        now[0] += seconds

    return later


@pytest.fixture(autouse=True)
def _redis_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may be slow to answer on a slow machine, and what one test found away is there for the next: a process
    that goes on without it for some seconds would count anew, and ring no doorbell. It holds nothing of other tests,
    and nothing is counted of them: they all come from one address."""
    monkeypatch.setattr(redis_client, "TIMEOUT", 30.0)
    monkeypatch.setattr(cache, "TIMEOUT", 30.0)
    redis_client.away.until = 0.0
    django_cache.clear()
    throttling.Rate._counts.clear()


@pytest.fixture
def project(db: None) -> Project:
    """A project with guidelines and an open round of one fake model."""
    return makers.make_project()


@pytest.fixture
def alice(project: Project) -> User:
    """A trainer."""
    return makers.make_member(project, "alice", role="trainer")


@pytest.fixture
def bob(project: Project) -> User:
    """Another trainer."""
    return makers.make_member(project, "bob", role="trainer")


@pytest.fixture
def rita(project: Project) -> User:
    """The reviewer."""
    return makers.make_member(project, "rita", role="reviewer")


@pytest.fixture
def mona(project: Project) -> User:
    """The manager."""
    return makers.make_member(project, "mona", role="manager", is_staff=True)


@pytest.fixture
def guest(project: Project) -> User:
    """Invited only to chat and give feedback."""
    return makers.make_member(project, "gus", role="guest")


@pytest.fixture
def stranger(db: None) -> User:
    """Signed in, and a member of nothing."""
    return makers.make_user("sid")


@pytest.fixture
def operator(db: None) -> User:
    return makers.make_user("olga", is_staff=True, is_superuser=True)
