"""Followers of live text learn from the row that their request has ended, should Redis have lost the end.

However many streams are open, a process looks once every few seconds, in one query for all of them that
are quiet, on one database connection that it lets go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connections

from sampler.models import Completion, SampleRequest

logger = logging.getLogger(__name__)
EVERY = 2.0  # seconds between looks, and without an entry after which a request is looked at
Ended = tuple[str, list[str]]  # its state and its texts


@dataclass(eq=False)
class Follower:
    """One that waits for a request; `ended` resolves once the row says that it has ended."""

    request_id: str
    ended: asyncio.Future[Ended]
    heard_at: float = field(default_factory=time.monotonic)

    def heard(self) -> None:
        """An entry came: Redis is doing its part."""
        self.heard_at = time.monotonic()


class EndingWatch:
    """Tells the followers of one event loop when their requests have ended."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Follower]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def add(self, request_id: str) -> Follower:
        loop = asyncio.get_running_loop()
        follower = Follower(request_id, loop.create_future())
        self._followers[request_id].add(follower)
        if self._task is None:
            self._task = loop.create_task(self._run())
        return follower

    async def remove(self, follower: Follower) -> None:
        follower.ended.cancel()
        self._followers[follower.request_id].discard(follower)
        if not self._followers[follower.request_id]:
            del self._followers[follower.request_id]
        if not self._followers and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            quiet_since = time.monotonic() - EVERY
            quiet = [key for key, all_ in self._followers.items() if any(f.heard_at <= quiet_since for f in all_)]
            if not quiet:
                continue
            try:
                found = await asyncio.to_thread(_ended_and_close, quiet)
            except DatabaseError as error:
                logger.warning("live text: PostgreSQL: %s", str(error).strip().splitlines()[0])
                continue
            for key, ended in found.items():
                for follower in self._followers.get(key, ()):
                    if not follower.ended.done():
                        follower.ended.set_result(ended)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, EndingWatch] = WeakKeyDictionary()


def watch() -> EndingWatch:
    """The one of the running event loop."""
    return _watches.setdefault(asyncio.get_running_loop(), EndingWatch())


def ended(request_ids: list[str]) -> dict[str, Ended]:
    """Those of the requests that have ended, with their stored texts; one without a row has failed."""
    found: dict[str, Ended] = {key: (SampleRequest.State.FAILED, []) for key in request_ids}
    rows = SampleRequest.objects.filter(pk__in=request_ids).values_list("pk", "state", "finished_at")
    for pk, state, finished_at in rows:
        if finished_at is None:
            del found[str(pk)]
        else:
            found[str(pk)] = (state, [])
    if found:
        texts = Completion.objects.filter(request__in=list(found)).order_by("index")
        for pk, text, withheld in texts.values_list("request_id", "text", "withheld"):
            found[str(pk)][1].append("" if withheld else text)
    return found


def _ended_and_close(request_ids: list[str]) -> dict[str, Ended]:
    try:
        return ended(request_ids)
    finally:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close()
