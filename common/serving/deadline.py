"""A request past its deadline is answered, and a process with a thread that does not come back is replaced.

Python cannot stop a thread: what a request costs goes on after its client has been answered. So the threads are
watched, and when one has been at a single request for too long the process takes no more work, finishes what it can
and ends; whoever started it (`bin/start`, systemd, compose) starts another.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)

from common.serving.messages import refuse

log = logging.getLogger(__name__)
DEADLINE = 30.0  # seconds from the body's end to the answer's begin
HUNG = 60.0  # seconds at one request after which a thread is given up
LAST = 15.0  # seconds for the others, once a thread is given up
STATUS = 70  # what a process ends with that gave a thread up: EX_SOFTWARE


class Deadline:
    """Answer 503 where `application` has not begun its answer `seconds` after the request was whole."""

    def __init__(self, application: ASGI3Application, *, seconds: float = DEADLINE) -> None:
        self.application = application
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        await self._in_time(scope, receive, send)

    async def _in_time(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        since = time.monotonic()
        begun = given_up = False

        async def reads() -> ASGIReceiveEvent:
            nonlocal since
            message = await receive()
            if message["type"] == "http.request":
                since = time.monotonic()  # a slow upload is the client's time, not ours
            return message

        async def begins(message: ASGISendEvent) -> None:
            nonlocal begun
            begun = True
            if not given_up:
                await send(message)

        task = asyncio.ensure_future(self.application(scope, reads, begins))
        try:
            while not task.done():
                left = since + self.seconds - time.monotonic()
                if begun:
                    await asyncio.wait({task})
                elif left <= 0:
                    break
                else:
                    await asyncio.wait({task}, timeout=min(left, 1.0) if self.seconds >= 1 else left)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            task.result()
            return
        given_up = True
        task.cancel()
        log.error("%s %s was not answered within %.0f s", scope["method"], scope["path"], self.seconds)
        detail = f"This took longer than {self.seconds:.0f} seconds and was given up. Nothing is lost: try again."
        await refuse(scope, send, status=503, title="This takes too long", detail=detail, after=30)


class Watchdog:
    """Knows which thread is at a request since when, and ends the process when one does not come back."""

    def __init__(self, *, hung: float = HUNG, last: float = LAST, end: Callable[[int], None] = os._exit) -> None:
        self.hung, self.last, self.end = hung, last, end
        self.since: dict[int, float] = {}
        self.started = False
        self.lock = threading.Lock()

    @contextmanager
    def at_work(self, *, seconds_more: float = 0.0) -> Iterator[None]:
        """The calling thread is at a request; `seconds_more` where it may take longer than others."""
        self._start()
        me = threading.get_ident()
        before = self.since.get(me)
        self.since[me] = time.monotonic() + seconds_more
        try:
            yield
        finally:
            if before is None:
                del self.since[me]
            else:
                self.since[me] = before

    def _start(self) -> None:
        if self.started:
            return
        with self.lock:
            if not self.started:
                self.started = True
                threading.Thread(target=self._watch, name="request watchdog", daemon=True).start()

    def _watch(self) -> None:
        while (hung := self.hung_thread()) is None:
            time.sleep(min(1.0, self.hung / 4))
        frames = sys._current_frames().get(hung)
        where = "".join(traceback.format_stack(frames)[-8:]) if frames is not None else "nowhere"
        log.critical(
            "a thread has been at one request for over %.0f s; this process is replaced:\n%s", self.hung, where
        )
        os.kill(os.getpid(), signal.SIGTERM)  # the server takes no more work and finishes the rest
        time.sleep(self.last)
        self.end(STATUS)  # the hung thread would keep the interpreter from ending

    def hung_thread(self) -> int | None:
        now = time.monotonic()
        return next((ident for ident, since in list(self.since.items()) if now - since > self.hung), None)


watchdog = Watchdog()
