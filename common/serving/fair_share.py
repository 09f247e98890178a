"""How many requests of one person are at work at once: the rest wait on the event loop and hold no thread.

Without this, sixteen tabs of one trainer that each show a page which takes long to render take every thread there
is. A request counts until its answer begins, so that streams, which go on for minutes, take no place of it; how many of
those one person may hold open has a bound of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, HTTPScope, Scope

from common.serving.messages import person, refuse

MOST_WAITING = 64  # of one person; more are told to come later
MOST_OPEN = 300  # answers of one person that have begun and not ended: nobody has so many tabs


class FairShare:
    """At most `at_once` requests of one person in `application`; strangers are not told apart and not held."""

    def __init__(self, application: ASGI3Application, *, at_once: int) -> None:
        self.application = application
        self.at_once = at_once
        self.places: dict[str, asyncio.Semaphore] = {}
        self.here: Counter[str] = Counter()  # until the answer begins
        self.open: Counter[str] = Counter()  # from then until it ends

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        who = person(scope) if scope["type"] == "http" else ""
        if scope["type"] != "http" or not who:
            await self.application(scope, receive, send)
            return
        if self.here[who] >= self.at_once + MOST_WAITING:
            detail = "Too many requests of yours wait already. Try again in some seconds."
            await refuse(scope, send, status=429, title="Too Many Requests", detail=detail, after=5)
            return
        if self.open[who] >= MOST_OPEN:
            detail = "Too many streams of yours are open already. Close some of them first."
            await refuse(scope, send, status=429, title="Too Many Requests", detail=detail, after=30)
            return
        self.here[who] += 1
        await self._in_turn(who, scope, receive, send)

    async def _in_turn(self, who: str, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        place = self.places.setdefault(who, asyncio.Semaphore(self.at_once))
        held, here, begun = False, True, False

        def leave() -> None:
            nonlocal here
            if not here:
                return
            here = False
            if held:
                place.release()
            self.here[who] -= 1
            if not self.here[who]:
                del self.here[who]
                del self.places[who]

        async def begins(message: ASGISendEvent) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                leave()
                begun = True
                self.open[who] += 1
            await send(message)

        try:
            await place.acquire()
            held = True
            await self.application(scope, receive, begins)
        finally:
            leave()
            if begun:
                self.open[who] -= 1
                if not self.open[who]:
                    del self.open[who]
