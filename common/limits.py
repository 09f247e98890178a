"""What may come in: the size of a request's body, and how far a compressed stream may grow.

The body limit is an ASGI wrapper because Django spools a whole body to disk before a view can
refuse it; here a body that announces too much is refused unread, and one that lies is cut off.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

FREE_BYTES = 64 << 20  # may come out of any compressed file
MOST_GROWTH = 200  # beyond that; repetitive text packs to a hundredth at most


class TooLarge(ValueError):
    """More data than is taken; the message is a sentence for whoever sent it."""


class BodyLimit:
    """Answer 413 to bodies over `max_bytes` and 415 to compressed ones, before the application reads them."""

    def __init__(self, application: Application, *, max_bytes: int) -> None:
        self.application = application
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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

    async def _read(self, receive: Receive) -> bytes | None:
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


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, status: int, title: str, detail: str) -> None:
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def check_growth(*, packed: int, unpacked: int) -> None:
    """Called as a compressed file is read: `unpacked` bytes came out of `packed` so far.

    Raises:
        TooLarge: far more came out than text can be packed to.
    """
    if unpacked > FREE_BYTES and unpacked > MOST_GROWTH * packed:
        raise TooLarge(f"The file unpacks to over {MOST_GROWTH} times its size, as a decompression bomb does.")
