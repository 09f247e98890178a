"""How whoever answers a person asks Redis: briefly, and not at all for some seconds after it did not answer.

Nothing that must last is in Redis, so nobody waits for it. Workers that write to it have more patience and clients of
their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT = 0.4  # seconds for an answer
AWAY = 5.0  # seconds before Redis is asked again
T = TypeVar("T")


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


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=at_once()
    )


def ask(url: str, question: Callable[[redis.Redis], T]) -> T:
    """What `question` gets from this process's client for short questions; strings, not bytes.

    Raises:
        redis.RedisError: Redis does not answer, or did not a moment ago.
    """
    if away:
        raise redis.ConnectionError("Redis did not answer a moment ago.")
    try:
        return question(_client(url))
    except (redis.ConnectionError, redis.TimeoutError):
        away.note()
        raise


def answers(url: str) -> bool:
    """Whether a message can be sent now: Celery itself would wait for a server that is away."""
    try:
        ask(url, lambda client: client.ping())
    except redis.RedisError:
        return False
    return True


def send_on_commit(send: Callable[[str], object], what: str) -> None:
    """Ring a doorbell once the transaction is over. Without Redis none is rung: the row waits until beat rings."""

    def later() -> None:
        if answers(settings.REDIS_URL):
            send(what)

    transaction.on_commit(later)
