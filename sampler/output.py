"""A worker's output, in threads beside the decoding loop: results to PostgreSQL, live tokens to Redis.

The writer retries what fails for want of a connection, in order, until it succeeds or the worker is
told to give up. The publisher never retries: a live token that cannot be shown now is of no use.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError, connection

from sampler import streams
from sampler.streams import Fields

logger = logging.getLogger(__name__)
LOST_CONNECTION = (OperationalError, InterfaceError)
Write = Callable[[], object]
Entry = tuple[UUID, Fields]


def persistently(act: Write, *, give_up: threading.Event, pause: float = 0.2) -> bool:
    """Run `act` until PostgreSQL is there; False once told to give up. Other errors are the caller's."""
    while True:
        try:
            act()
            return True
        except LOST_CONNECTION as error:
            connection.close()
            if give_up.wait(pause):
                return False
            logger.warning("PostgreSQL: %s; trying again", str(error).strip().splitlines()[0])
            pause = min(5.0, pause * 2)


class ResultWriter:
    """One thread that writes results in the order in which they came."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self.give_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def put(self, write: Write) -> None:
        self._queue.put(write)

    def close(self, *, within: float) -> None:
        """Write what is left, but no longer than `within` seconds."""
        self._queue.put(None)
        self._thread.join(within)
        self.give_up.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        try:
            while (write := self._queue.get()) is not None:
                try:
                    if not persistently(write, give_up=self.give_up):
                        return
                except Exception:
                    # A result that PostgreSQL refuses must not take the writer with it: the lease
                    # of its request runs out, and its next tries end it with a reason.
                    logger.exception("A result could not be stored")
        finally:
            connection.close()


class TokenPublisher:
    """One thread that sends live tokens, all that came since the last round trip in one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[list[Entry] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def put(self, entries: list[Entry]) -> None:
        if entries:
            self._queue.put(entries)

    def close(self, *, within: float) -> None:
        self._queue.put(None)
        self._thread.join(within)

    def _run(self) -> None:
        quiet_until = 0.0
        while (entries := self._queue.get()) is not None:
            last = False
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    last = True
                    break
                entries.extend(more)
            if time.monotonic() >= quiet_until:
                try:
                    streams.publish(merged(entries))
                except redis.RedisError as error:
                    logger.warning("Live tokens are not shown: %s", error)
                    quiet_until = time.monotonic() + 1.0
            if last:
                return


def merged(entries: list[Entry]) -> list[Entry]:
    """Neighbouring texts of one sample as one entry; the order within each request stays."""
    out: list[Entry] = []
    open_at: dict[tuple[UUID, int], int] = {}
    for request_id, fields in entries:
        if "t" not in fields:
            open_at = {k: v for k, v in open_at.items() if k[0] != request_id}
            out.append((request_id, fields))
            continue
        where = (request_id, fields["i"])
        if where in open_at:
            before = out[open_at[where]][1]
            before["t"] += fields["t"]
        else:
            open_at[where] = len(out)
            out.append((request_id, fields.copy()))
    return out
