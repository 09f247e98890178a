"""How whoever answers a person asks Redis: briefly, and not at all for some seconds after it did not answer.

Nothing that must last is in Redis, so nobody waits for it. Workers that write to it have more patience and clients of
their own.
"""

from __future__ import annotations

import time
from functools import cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT = 0.4  # seconds for an answer
AWAY = 5.0  # seconds before Redis is asked again


def at_once() -> Retry:
    """A closed connection is opened again, once and without a pause; a silent server is not asked twice."""
    return Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))


class Away:
    """Whether Redis did not answer a moment ago; one for a process."""

    def __init__(self) -> None:
        self.until = 0.0

    def __bool__(self) -> bool:
        return time.monotonic() < self.until

    def note(self) -> bool:
        """It did not answer; True where that is news."""
        news = time.monotonic() > self.until + AWAY
        self.until = time.monotonic() + AWAY
        return news


away = Away()


class Brief(redis.Redis):
    """A client that fails at once while Redis is away."""

    def execute_command(self, *args: object, **options: object) -> object:
        if away:
            raise redis.ConnectionError("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)
        except (redis.ConnectionError, redis.TimeoutError):
            away.note()
            raise


@cache
def brief(url: str) -> Brief:
    """This process's client for short questions; strings, not bytes."""
    return Brief.from_url(
        url, decode_responses=True, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=at_once()
    )


def answers(url: str) -> bool:
    """Whether a message can be sent now: Celery itself would wait for a server that is away."""
    try:
        brief(url).ping()
    except redis.RedisError:
        return False
    return True
