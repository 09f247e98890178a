"""How large a request's body may be: an ASGI wrapper, because Django spools a whole body to disk before a view can
refuse it. Here a body that announces too much is refused unread, and one that lies is cut off.
"""

from __future__ import annotations

import json

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Scope,
)


class BodyLimit:
    """Answer 413 to bodies over `max_bytes` and 415 to compressed ones, before the application reads them."""

    def __init__(self, application: ASGI3Application, *, max_bytes: int) -> None:
        self.application = application
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") not in {b"", b"identity"}:
            await _refuse(send, 415, "Unsupported Media Type", "Request bodies are taken uncompressed.")
            return
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self.max_bytes:
            await _refuse(send, 413, "Content Too Large", self.sentence)
            return
        if b"content-length" in headers:
            await self.application(scope, receive, send)  # the server holds the body to its announced length
            return
        body = await self._read(receive)
        if body is None:
            await _refuse(send, 413, "Content Too Large", self.sentence)
            return
        await self.application(scope, _replay(body, receive), send)

    @property
    def sentence(self) -> str:
        return f"The request is too large: at most {self.max_bytes // (1024 * 1024)} MB are taken."

    async def _read(self, receive: ASGIReceiveCallable) -> bytes | None:
        """The body of a request that announced no length; None as soon as it is too long."""
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b"".join(chunks)
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self.max_bytes:
                return None
            if not message.get("more_body"):
                return b"".join(chunks)


def _replay(body: bytes, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    sent = False

    async def again() -> ASGIReceiveEvent:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return HTTPRequestEvent(type="http.request", body=body, more_body=False)

    return again


async def _refuse(send: ASGISendCallable, status: int, title: str, detail: str) -> None:
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send(HTTPResponseStartEvent(type="http.response.start", status=status, headers=headers, trailers=False))
    await send(HTTPResponseBodyEvent(type="http.response.body", body=body, more_body=False))
