"""Live tokens: a Redis stream per request. A convenience, never the record.

Entries are `{"i": index, "t": text}` and at last `{"end": state}`. A stream expires an hour after
its last entry. The request's row stays the truth: whoever follows a stream that Redis has lost gets
the texts from the row's completions once it has ended. `{"reset": 1}` tells that a try was lost and
the texts begin anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from functools import cache
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

EXPIRES = 3600
MAX_ENTRIES = 50_000
BLOCK_MS = 2_000  # after this long without an entry the row is looked at, then ever less often
LOOK_EVERY_AT_MOST = 32.0  # seconds
Fields = dict[str, Any]


@cache
def client() -> redis.Redis:
    """This process's connection pool for streams."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=5, socket_connect_timeout=5)


def key(request_id: UUID | str) -> str:
    return f"tokens:{request_id}"


def publish(entries: Iterable[tuple[UUID | str, Fields]]) -> None:
    """Append entries of any number of requests in one round trip.

    Raises:
        redis.RedisError: Redis is not there; nobody needs to care but who waits for the live text.
    """
    pipe = client().pipeline(transaction=False)
    touched: dict[str, None] = {}
    for request_id, fields in entries:
        name = key(request_id)
        pipe.xadd(name, {k: str(v) for k, v in fields.items()}, maxlen=MAX_ENTRIES, approximate=True)
        touched[name] = None
    for name in touched:
        pipe.expire(name, EXPIRES)
    if touched:
        pipe.execute()


def snapshot(request_id: UUID | str) -> tuple[list[str], str, str]:
    """Texts so far by index, the id of the last entry (to follow from) and the end state or ""."""
    entries: Any = client().xrange(key(request_id))
    return _assemble(entries)


def _assemble(entries: Iterable[tuple[str, dict[str, str]]]) -> tuple[list[str], str, str]:
    texts: list[str] = []
    last, ended = "0", ""
    for entry_id, fields in entries:
        last = entry_id
        if "reset" in fields:
            texts = []
        elif "end" in fields:
            ended = fields["end"]
        else:
            index = int(fields["i"])
            texts.extend("" for _ in range(index + 1 - len(texts)))
            texts[index] += fields["t"]
    return texts, last, ended


async def follow(request_id: UUID | str, after: str = "0") -> AsyncIterator[tuple[str, Fields]]:
    """Entries after `after` as they come, until the end entry.

    Where Redis has lost the stream, the row says when the request has ended: then comes
    `{"reset": 1}`, each stored text whole, and the end.
    """
    connection = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=LOOK_EVERY_AT_MOST + 5
    )
    wait_for, looked = BLOCK_MS / 1000, time.monotonic()
    try:
        while True:
            found: Any = None
            try:
                until_look = max(0.01, looked + wait_for - time.monotonic())  # hundreds wait: none wakes for nothing
                found = await connection.xread({key(request_id): after}, count=200, block=round(until_look * 1000))
            except (redis.ConnectionError, redis.TimeoutError):
                await asyncio.sleep(0.5)
            for entry_id, fields in found[0][1] if found else []:
                after = entry_id
                yield entry_id, _typed(fields)
                if "end" in fields:
                    return
            if found:
                wait_for = BLOCK_MS / 1000
                looked = time.monotonic()
            elif time.monotonic() - looked >= wait_for:
                looked, wait_for = time.monotonic(), min(4 * wait_for, LOOK_EVERY_AT_MOST)
                state, texts = await sync_to_async(_from_row_and_close)(request_id)
                if state:
                    yield after, {"reset": 1}
                    for index, text in enumerate(texts):
                        yield after, {"i": index, "t": text}
                    yield after, {"end": state}
                    return
    finally:
        await connection.aclose()


def _typed(fields: dict[str, str]) -> Fields:
    return {k: int(v) if k in {"i", "reset"} else v for k, v in fields.items()}


def _from_row_and_close(request_id: UUID | str) -> tuple[str, list[str]]:
    """As `_from_row`; hundreds of open streams must not each keep a database connection."""
    try:
        return _from_row(request_id)
    finally:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close()


def _from_row(request_id: UUID | str) -> tuple[str, list[str]]:
    """End state ("" while it runs, "failed" where there is no such row) and the stored texts."""
    from sampler.models import SampleRequest

    row = SampleRequest.objects.filter(pk=request_id).first()
    if row is None:
        return SampleRequest.State.FAILED, []
    if row.finished_at is None:
        return "", []
    return row.state, [c.text for c in row.completions.order_by("index")]


def wait(request_id: UUID | str, *, timeout: float = 60.0) -> tuple[list[str], str]:
    """Block until the request has ended, by its row; for commands and tests."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        state, texts = _from_row(request_id)
        if state:
            return texts, state
        time.sleep(0.05)
    raise TimeoutError(f"Request {request_id} has not ended within {timeout:g} s.")
