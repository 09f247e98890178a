"""What `/readyz` looks at, one function for each check: all quick, none writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from common import disk as disks
from common import outages
from operations import worker_heartbeat
from sampler import status
from sampler.models import ModelVersion


@dataclass(frozen=True)
class Check:
    ok: bool
    detail: str = ""
    failed: str = ""  # why it will not get better by itself


@dataclass
class _Seen:
    """Migrations do not come undone under a running process: once seen applied, they are not read again."""

    migrated: bool = field(default=False)


_seen = _Seen()


def report() -> dict[str, object]:
    """Every check by name, and whether all are well."""
    checks: dict[str, Check] = {}
    for name, (needs, check) in CHECKS.items():
        missing = [other for other in needs if not checks[other].ok]
        checks[name] = Check(False, f"not looked at without {missing[0]}") if missing else check()
    return {
        "ready": all(check.ok for check in checks.values()),
        "checks": {name: {k: v for k, v in asdict(check).items() if v != ""} for name, check in checks.items()},
    }


def database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Check(False, f"does not answer: {_line(error)}")
    return Check(True, "answers")


def redis_server() -> Check:
    try:
        with worker_heartbeat.client() as client:
            client.ping()
    except redis.RedisError as error:
        return Check(False, f"does not answer: {_line(error)}")
    return Check(True, "answers")


def migrations() -> Check:
    if not _seen.migrated:
        try:
            executor = MigrationExecutor(connection)
            missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        except DatabaseError as error:
            return Check(False, f"cannot be read: {_line(error)}")
        if missing:
            return Check(False, f"{missing} not applied: run manage.py migrate")
        _seen.migrated = True
    return Check(True, "all applied")


def worker() -> Check:
    try:
        names = worker_heartbeat.workers()
    except redis.RedisError as error:
        return Check(False, f"unknown: {_line(error)}")
    return Check(True, f"{len(names)} alive") if names else Check(False, "no default worker is alive")


def disk() -> Check:
    """Not well when nothing can be stored; when room runs out the detail says so, and everything still works."""
    try:
        room = disks.room(settings.VAR_DIR, settings.DISK_LOW)
    except OSError as error:
        return Check(False, f"cannot be looked at: {_line(error)}")
    if room.is_full or outages.Met.recently():
        return Check(False, f"is full: {room}; writes are refused until there is room")
    return Check(True, f"runs low: {room}" if room.is_low else str(room))


def sampler() -> Check:
    """Ready when a worker has loaded a model, so that it answers at once; one that was started for no model by
    name loads on demand; and where no model is registered yet, nothing is missing."""
    living = [one for one in status.workers() if not one.get("stopping")]
    loaded = sorted({slug for one in living for slug in one.get("loaded", {})})
    if loaded:
        return Check(True, f"serves {', '.join(loaded)}")
    if any(not one.get("serves") for one in living):
        return Check(True, "loads on demand")
    if not living:
        none = not ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).exists()
        return Check(none, "no model is registered yet" if none else "no sampler worker is alive")
    wanted = {slug for one in living for slug in one["serves"]}
    failed = ModelVersion.objects.filter(slug__in=wanted, state=ModelVersion.State.FAILED).first()
    if failed and wanted == {failed.slug}:
        return Check(False, "cannot load its model", f"The model {failed.slug} cannot be loaded: {failed.state_reason}")
    if loading := next((one["loading"] for one in living if one.get("loading")), ""):
        return Check(False, f"is loading {loading}; the first time on a machine it also measures how to batch")
    return Check(False, "a sampler worker is alive and has not loaded its model yet")


CHECKS: dict[str, tuple[tuple[str, ...], Callable[[], Check]]] = {
    "database": ((), database),
    "redis": ((), redis_server),
    "migrations": (("database",), migrations),
    "worker": (("redis",), worker),
    "disk": ((), disk),
    "sampler": (("database", "redis", "migrations"), sampler),
}


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
