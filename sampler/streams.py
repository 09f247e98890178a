"""Live tokens: a Redis stream per request. A convenience, never the record.

Entries are `{"i": index, "t": text}` and at last `{"end": state}`. A stream expires an hour after
its last entry. The request's row stays the truth: whoever follows a stream that Redis has lost gets
the texts from the row's completions once it has ended: a stream with its end goes after a minute, so that Redis holds
those of replies under way and no more. `{"reset": 1}` tells that a try was lost and
the texts begin anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import cache
from typing import Any, TypedDict
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings

from common.redis_client import ask
from sampler import endings

EXPIRES = 3600  # seconds after the last entry
ENDED = 60  # and after the end, from when on the row has the texts
MAX_ENTRIES = 50_000
BLOCK = 30  # seconds that one read waits for an entry: an idle stream wakes for nothing else


class Fields(TypedDict, total=False):
    """An entry of a stream: a piece of one sample's text, or one of the two others."""

    i: int  # which sample
    t: str
    end: str  # the request's state
    reset: int


Entries = list[tuple[str, dict[str, str]]]  # as Redis has them: id and fields


@cache
def client() -> redis.Redis:
    """This process's connection pool for streams; a worker's, who has time."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=5, socket_connect_timeout=5)


def key(request_id: UUID | str) -> str:
    return f"tokens:{request_id}"


def publish(entries: Iterable[tuple[UUID | str, Fields]]) -> None:
    """Append entries of any number of requests in one round trip.

    Raises:
        redis.RedisError: Redis is not there; nobody needs to care but who waits for the live text.
    """
    pipe = client().pipeline(transaction=False)
    touched: dict[str, int] = {}
    for request_id, fields in entries:
        name = key(request_id)
        pipe.xadd(name, {k: str(v) for k, v in fields.items()}, maxlen=MAX_ENTRIES, approximate=True)
        touched[name] = ENDED if "end" in fields else EXPIRES
    for name, seconds in touched.items():
        pipe.expire(name, seconds)
    if touched:
        pipe.execute()


def snapshot(request_id: UUID | str) -> tuple[list[str], str, str]:
    """Texts so far by index, the id of the last entry (to follow from) and the end state or "".

    Raises:
        redis.RedisError: Redis is not there; the row still tells the end.
    """
    entries: Any = ask(settings.REDIS_URL, lambda redis: redis.xrange(key(request_id)))
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
    connection = redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=BLOCK + 5)
    watch = endings.watch()
    follower = watch.add(str(request_id))
    reading: asyncio.Future[Entries] | None = None
    try:
        while True:
            reading = asyncio.ensure_future(_read(connection, key(request_id), after))
            either: set[asyncio.Future[Any]] = {reading, follower.ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            found = reading.result() if reading.done() else []
            for entry_id, fields in found:
                follower.heard()
                after = entry_id
                yield entry_id, _typed(fields)
                if "end" in fields:
                    return
            if not found and follower.ended.done():
                state, texts = follower.ended.result()
                yield after, {"reset": 1}
                for index, text in enumerate(texts):
                    yield after, {"i": index, "t": text}
                yield after, {"end": state}
                return
    finally:
        if reading is not None:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
        await watch.remove(follower)
        await connection.aclose()


async def _read(connection: redis.asyncio.Redis, name: str, after: str) -> Entries:
    """Entries after `after`; none where there are none for a while, or Redis is away."""
    try:
        found: Any = await connection.xread({name: after}, count=200, block=BLOCK * 1000)
    except (redis.RedisError, OSError):
        await asyncio.sleep(0.5)
        return []
    return found[0][1] if found else []


def _typed(fields: dict[str, str]) -> Fields:
    if "reset" in fields:
        return {"reset": 1}
    return {"end": fields["end"]} if "end" in fields else {"i": int(fields["i"]), "t": fields["t"]}


def wait(request_id: UUID | str, *, timeout: float = 60.0) -> tuple[list[str], str]:
    """Block until the request has ended, by its row; for commands and tests."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if over := endings.ended([str(request_id)]):
            state, texts = over[str(request_id)]
            return texts, state
        time.sleep(0.05)
    raise TimeoutError(f"Request {request_id} has not ended within {timeout:g} s.")
