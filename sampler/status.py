"""Which workers live: a heartbeat of each in Redis, that vanishes with it. Never the record of anything."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import redis

from sampler import streams

logger = logging.getLogger(__name__)
PREFIX = "sampler:worker:"
EXPIRES = 15


def report(facts: dict[str, Any]) -> None:
    try:
        streams.client().set(PREFIX + facts["name"], json.dumps(facts), ex=EXPIRES)
    except redis.RedisError as error:
        logger.warning("heartbeat is not shown: %s", error)


def gone(name: str) -> None:
    try:
        streams.client().delete(PREFIX + name)
    except redis.RedisError:
        pass  # it expires by itself


def workers() -> list[dict[str, Any]]:
    """What each living worker last said of itself, with `age` in seconds; empty where Redis does not answer."""
    try:
        client = streams.client()
        keys = sorted(client.scan_iter(match=PREFIX + "*", count=500))
        found = client.mget(keys) if keys else []
    except redis.RedisError:
        return []
    facts = [json.loads(text) for text in found if text]
    return [{**one, "age": max(0.0, time.time() - one["at"])} for one in facts]
