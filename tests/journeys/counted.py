"""Our application for `tests/journeys/server.py`, which says at one more address how many requests are at work."""

from __future__ import annotations

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Scope,
)

from config.asgi import application as ours
from tests.journeys.server import ADDRESS

_at_work = 0


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    global _at_work
    if scope["type"] == "http" and scope["path"] == ADDRESS:
        headers = [(b"content-type", b"text/plain")]
        await send(HTTPResponseStartEvent(type="http.response.start", status=200, headers=headers, trailers=False))
        await send(HTTPResponseBodyEvent(type="http.response.body", body=str(_at_work).encode(), more_body=False))
        return
    _at_work += scope["type"] == "http"
    try:
        await ours(scope, receive, send)
    finally:
        _at_work -= scope["type"] == "http"
