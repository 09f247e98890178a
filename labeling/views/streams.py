"""Live text to the browser: server-sent events over the sampler's Redis streams.

One connection carries every request of a page, since a browser opens only six to a host. The
authorising query closes its database connection before the first event: an open stream holds none.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import Http404, StreamingHttpResponse
from django.views.decorators.http import require_GET

from labeling.pages.live import followable
from labeling.views._shared import PageRequest, own_dialogue
from sampler import streams

HEARTBEAT = 15.0  # seconds of silence after which a comment keeps proxies awake
MAX_REQUESTS = 9
ENTRY = re.compile(r"^(0|\d{1,20}-\d{1,20})$")


@require_GET
async def stream(request: PageRequest, pk: UUID) -> StreamingHttpResponse:
    """Events of `?r=REQUEST@AFTER&r=…`. An event's id lists where each request stands, so that a
    reconnecting browser (Last-Event-ID) goes on exactly there.

    A request that the dialogue does not wait for (any more: another tab or the clock made its text a turn)
    adds nothing, and where none is left the stream is over at once, so that the page shows what became of it.
    """
    wanted = _places(request.GET.getlist("r"))
    wanted |= {
        key: at for key, at in _places(request.headers.get("last-event-id", "").split()).items() if key in wanted
    }
    allowed = await sync_to_async(_followable)(request, pk)
    if not wanted or len(wanted) > MAX_REQUESTS:
        raise Http404
    followed = {key: at for key, at in wanted.items() if key in allowed}
    response = StreamingHttpResponse(_events(followed), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _followable(request: PageRequest, pk: UUID) -> set[str]:
    try:
        return followable(own_dialogue(request, pk))
    finally:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close()


def _places(pairs: list[str]) -> dict[str, str]:
    places = {}
    for pair in pairs:
        key, _, after = pair.partition("@")
        try:
            places[str(UUID(key))] = after if ENTRY.match(after) else "0"
        except ValueError:
            continue
    return places


async def _events(places: dict[str, str]) -> AsyncIterator[str]:
    """Merge the requests' streams into one; ends when all have ended."""
    queue: asyncio.Queue[tuple[str, str, streams.Fields | dict[str, int]]] = asyncio.Queue(maxsize=1000)

    async def pump(key: str, after: str) -> None:
        try:
            async for entry_id, fields in streams.follow(key, after):
                await queue.put((key, entry_id, fields))
        except Exception:  # the browser comes back and goes on where it was
            await queue.put((key, "", {"lost": 1}))
            raise

    tasks = [asyncio.create_task(pump(key, after)) for key, after in places.items()]
    running = set(places)
    try:
        yield "retry: 1000\n\n"
        while running:
            try:
                key, entry_id, fields = await asyncio.wait_for(queue.get(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if "lost" in fields:
                return
            places[key] = entry_id
            if "end" in fields:
                running.discard(key)
            state = " ".join(f"{one}@{at}" for one, at in places.items())
            yield f"id: {state}\ndata: {json.dumps({'r': key, **fields}, ensure_ascii=False)}\n\n"
        yield "event: done\ndata: {}\n\n"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
