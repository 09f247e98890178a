"""Every request gets a number, is counted and timed, and leaves one line in the log: its route, never its path, since
paths hold links that open accounts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypedDict, cast

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, HTTPScope, Scope
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.serving import figures, request_id, tracing
from common.serving.messages import header

log = logging.getLogger(__name__)
KEY = "duologue"  # in the scope's state: what Django found out about the request


class Found(TypedDict, total=False):
    route: str
    user_id: int | None


class Access:
    """The outermost wrapper."""

    def __init__(self, application: ASGI3Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        await self._noted(scope, receive, send)

    async def _noted(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        began = time.perf_counter()
        number = request_id.new(header(scope, request_id.HEADER))
        request_id.current.set(number)
        tracing.begin("request", {"traceparent": header(scope, b"traceparent")})
        found = Found()
        state = cast(dict[str, object], scope.setdefault("state", {}))
        state[KEY] = found
        status, seconds = 500, 0.0

        async def begins(message: ASGISendEvent) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - began
                message = {**message, "headers": [*message["headers"], (request_id.HEADER, number.encode())]}
            await send(message)

        with figures.at_work.track_inprogress():
            try:
                await self.application(scope, receive, begins)
            finally:
                seconds = seconds or time.perf_counter() - began
                route = found.get("route", "")
                method = figures.answered(method=scope["method"], route=route, status=status, seconds=seconds)
                tracing.end(
                    name=f"{method} {route}".strip(), failed=status >= 500, http__request__method=method,
                    http__route=route, http__response__status_code=status,
                )  # fmt: skip
                client = scope["client"][0] if scope["client"] else ""
                log.log(
                    logging.WARNING if status >= 500 else logging.INFO,
                    "%s %s %d %.0f ms", scope["method"], route or "no such route", status, seconds * 1000,
                    extra={
                        "route": route, "method": scope["method"], "status": status, "client": client,
                        "duration_ms": round(seconds * 1000, 1), "user_id": found.get("user_id"),
                    },
                )  # fmt: skip


@contextmanager
def known(request: HttpRequest) -> Iterator[None]:
    """Middleware's part while the answer is made: lines of the log name whose request it is, once that was read."""
    token = request_id.who.set(partial(user_of, request))
    try:
        yield
    finally:
        request_id.who.reset(token)


def note(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Middleware's part: tell the wrapper which route it was and who asked. Reads no user that nobody read before."""
    found = cast("dict[str, Found]", getattr(request, "scope", {}).get("state", {})).get(KEY)
    if found is None:
        return response
    match = request.resolver_match
    if match is not None:
        found["route"] = match.route
    found["user_id"] = user_of(request)
    return response


def user_of(request: HttpRequest) -> int | None:
    """Of a request whose user was looked up already."""
    from django.utils.functional import SimpleLazyObject, empty

    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject) and user.__dict__.get("_wrapped") is empty:
        return None
    return cast("int | None", getattr(user, "pk", None))
