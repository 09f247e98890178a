"""A sign of life of every web process, shown by its event loop: a file that it holds locked and touches.

`bin/start` looks at them (`launcher/watching.py`): an answer from `/healthz` says only that one of several lives.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import IO

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, LifespanScope, Scope

from common import processes

EVERY = 2.0  # seconds


class SignOfLife:
    """The outermost wrapper. The server tells it when the process begins and ends (`--lifespan on`); nothing is shown
    where the folder is not there, since nobody looks then."""

    def __init__(self, application: ASGI3Application, folder: Path) -> None:
        self.application = application
        self.file = folder / str(os.getpid())
        self.held: IO[str] | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    async def _live(self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()  # it begins
        showing = asyncio.ensure_future(self._show())
        await send({"type": "lifespan.startup.complete"})
        await receive()  # it ends
        showing.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _show(self) -> None:
        while True:
            self._touch()
            await asyncio.sleep(EVERY)

    def _touch(self) -> None:
        """The lock says that the process of this number is still ours, and goes with it, however it ends."""
        try:
            os.utime(self.file)
        except OSError:
            self.held = None  # not there yet, or taken for one of a process that is gone
        if self.held is None and self.file.parent.is_dir():
            try:
                self.held = processes.lock(self.file)
            except OSError:  # no room: the next time
                return
