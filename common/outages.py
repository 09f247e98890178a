"""What a request is told when something that we need is away: the disk full, the database or Redis not there.

That is an outage and no fault of ours: 503 with a sentence and a time to come back, not 500 with a traceback.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass

import kombu.exceptions
import redis
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils.translation import gettext_noop

DISK_FULL = "53100"  # SQLSTATE; https://www.postgresql.org/docs/current/errcodes-appendix.html
AWAY = ("08", "57P01", "57P02", "57P03", "53300", "25006")  # no connection, going, starting, too many, read-only
REMEMBERED = 15.0  # seconds for which a full disk is told of after it was met


@dataclass(frozen=True)
class Outage:
    """What is answered."""

    title: str
    detail: str
    after: int  # seconds


DISK = Outage(
    gettext_noop("The disk is full"),
    gettext_noop(
        "The disk of this server is full, so nothing of this was stored. Reading goes on. What you wrote is kept in "
        "your browser: send it again when the operator has made room."
    ),
    60,
)
DATABASE = Outage(
    gettext_noop("The database does not answer"),
    gettext_noop("The database does not answer just now, so nothing of this was stored. Try again in a moment."),
    5,
)
REDIS = Outage(
    gettext_noop("A service does not answer"),
    gettext_noop("A service that this needs does not answer just now. Try again in a moment."),
    5,
)


class Met:
    """When a write last found the disk full: PostgreSQL's may be another than the one that we can look at."""

    disk_full_at = -REMEMBERED

    @classmethod
    def recently(cls) -> bool:
        return time.monotonic() - cls.disk_full_at < REMEMBERED


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage that an error tells of; None for an error of ours."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return _disk_full()
        if isinstance(one, DatabaseError | InterfaceError):
            state = _sqlstate(one)
            if state == DISK_FULL:
                return _disk_full()
            if isinstance(one, OperationalError | InterfaceError) and (not state or state.startswith(AWAY)):
                return DATABASE
        if isinstance(one, redis.RedisError | kombu.exceptions.OperationalError):
            return REDIS
    return None


def _disk_full() -> Outage:
    Met.disk_full_at = time.monotonic()
    return DISK


def _sqlstate(error: BaseException) -> str:
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
