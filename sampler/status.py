"""Which workers live: a heartbeat of each in Redis, that vanishes with it. Never the record of anything."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection
from typing import NotRequired, Required, TypedDict

import redis
from django.conf import settings

from common.redis_client import ask
from sampler import streams
from sampler.engines.base import Batching

logger = logging.getLogger(__name__)
PREFIX = "sampler:worker:"
EXPIRES = 15


class LoadedStatus(Batching, total=False):
    """A model version that a worker has loaded."""

    device: Required[str]
    running: Required[int]  # samples in work
    memory_bytes: int


class WorkerStatus(TypedDict):
    """What a worker says of itself with each heartbeat."""

    name: str
    pid: NotRequired[int]
    host: NotRequired[str]
    at: float
    serves: list[str]  # slugs; empty for all
    loading: str
    stopping: bool
    loaded: dict[str, LoadedStatus]
    held: int
    metrics: dict[str, list[tuple[dict[str, str], float]]]  # by name: labels and value
    age: NotRequired[float]  # seconds since it was said


def report(facts: WorkerStatus) -> None:
    try:
        streams.client().set(PREFIX + facts["name"], json.dumps(facts), ex=EXPIRES)
    except redis.RedisError as error:
        logger.warning("heartbeat is not shown: %s", error)


def gone(name: str) -> None:
    try:
        streams.client().delete(PREFIX + name)
    except redis.RedisError:
        pass  # it expires by itself


def _read_all(client: redis.Redis) -> list[str]:
    keys = sorted(client.scan_iter(match=PREFIX + "*", count=500))
    return [str(text) for text in client.mget(keys) if text] if keys else []


def not_loaded(slugs: Collection[str]) -> set[str]:
    """Those of these model versions that no living worker has loaded; none where Redis does not answer, and nobody
    knows."""
    try:
        found = ask(settings.REDIS_URL, _read_all)
    except redis.RedisError:
        return set()
    return set(slugs).difference(*(json.loads(text)["loaded"] for text in found))


def unserved(slugs: Collection[str]) -> set[str]:
    """Those of these model versions whose requests no living worker takes; none where Redis does not answer."""
    try:
        found = ask(settings.REDIS_URL, _read_all)
    except redis.RedisError:
        return set()
    served = [json.loads(text)["serves"] for text in found]
    return set() if any(not every for every in served) else set(slugs).difference(*served)


def workers() -> list[WorkerStatus]:
    """What each living worker last said of itself, with `age` in seconds; empty where Redis does not answer."""
    try:
        found = ask(settings.REDIS_URL, _read_all)
    except redis.RedisError:
        return []
    facts: list[WorkerStatus] = [json.loads(text) for text in found]
    return [{**one, "age": max(0.0, time.time() - one["at"])} for one in facts]
