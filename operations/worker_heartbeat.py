"""A sign of life of every Celery worker: a key in Redis that its own event loop renews and that expires by itself.

The sampler tells more about itself in `sampler/status.py`; this says only that a worker takes tasks.
"""

from __future__ import annotations

import logging
import socket
from typing import Protocol

import redis
from celery import signals
from django.conf import settings

from common.redis_client import at_once
from sampler import status

logger = logging.getLogger(__name__)
PREFIX = "operations:worker:"
EXPIRES = 15  # seconds; renewed every two


class Eventer(Protocol):
    hostname: str


class Heart(Protocol):
    """Celery's heart of a worker, as far as we look at it."""

    eventer: Eventer


def client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=at_once())


def connect() -> None:
    """Called once when Django is set up; does nothing outside a worker."""
    signals.heartbeat_sent.connect(_beat, dispatch_uid="operations.worker_heartbeat")
    signals.worker_shutting_down.connect(_end, dispatch_uid="operations.worker_heartbeat.end")


def _beat(sender: Heart, **kwargs: object) -> None:
    try:
        with client() as connection:
            connection.set(PREFIX + sender.eventer.hostname, "1", ex=EXPIRES)
    except redis.RedisError as error:
        logger.warning("the sign of life is not shown: %s", error)


def _end(sender: str = "", **kwargs: object) -> None:
    try:
        with client() as connection:
            connection.delete(PREFIX + (sender if "@" in str(sender) else f"{sender}@{socket.gethostname()}"))
    except redis.RedisError:
        pass  # it expires by itself


def forget() -> None:
    """Drop the signs of life that killed workers left; those that live renew theirs within two seconds.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    with client() as connection:
        for prefix in (PREFIX, status.PREFIX):
            if keys := list(connection.scan_iter(match=prefix + "*", count=500)):
                connection.delete(*keys)


def workers() -> list[str]:
    """Names of the workers that live, without the samplers.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    with client() as connection:
        names = [key.decode().removeprefix(PREFIX) for key in connection.scan_iter(match=PREFIX + "*", count=500)]
    return sorted(name for name in names if not name.startswith("sampler"))
