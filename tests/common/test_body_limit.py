"""Bodies that are too large or compressed are refused before the application reads them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Scope,
)

from common.body_limit import BodyLimit


@dataclass
class Exchange:
    """A POST through the limit: what the client sends, what reached the application, what came back."""

    headers: dict[bytes, bytes]
    chunks: list[bytes]
    reached: list[bytes] = field(default_factory=list)
    status: int = 0
    body: bytes = b""

    async def receive(self) -> ASGIReceiveEvent:
        chunk = self.chunks.pop(0)
        return HTTPRequestEvent(type="http.request", body=chunk, more_body=bool(self.chunks))

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message["body"]

    async def application(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        more = True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            self.reached.append(message["body"])
            more = message["more_body"]
        await send(HTTPResponseStartEvent(type="http.response.start", status=200, headers=[], trailers=False))
        await send(HTTPResponseBodyEvent(type="http.response.body", body=b"{}", more_body=False))

    def run(self) -> None:
        scope = HTTPScope(
            type="http",
            asgi={"spec_version": "2.3", "version": "3.0"},
            http_version="1.1",
            method="POST",
            scheme="http",
            path="/",
            raw_path=b"/",
            query_string=b"",
            root_path="",
            headers=list(self.headers.items()),
            client=None,
            server=None,
            state={},
            extensions=None,
        )
        asyncio.run(BodyLimit(self.application, max_bytes=1024 * 1024)(scope, self.receive, self.send))


def post_through_limit(headers: dict[bytes, bytes], *chunks: bytes) -> tuple[int, dict[str, str], int]:
    """Status and body of the answer, and how many bytes reached the application."""
    exchange = Exchange(headers, list(chunks))
    exchange.run()
    return exchange.status, json.loads(exchange.body), sum(map(len, exchange.reached))


def test_a_hundred_megabytes_are_refused_unread() -> None:
    status, body, reached = post_through_limit({b"content-length": str(100 * 1024 * 1024).encode()}, b"x")
    assert (status, reached) == (413, 0)
    assert body["detail"] == "The request is too large: at most 1 MB are taken."


def test_a_body_without_a_length_is_cut_off_as_soon_as_it_is_too_long() -> None:
    status, _, reached = post_through_limit({b"transfer-encoding": b"chunked"}, *[b"x" * 300_000] * 40)
    assert (status, reached) == (413, 0)
    assert post_through_limit({b"transfer-encoding": b"chunked"}, b"ab", b"cd")[::2] == (200, 4)


def test_compressed_bodies_are_refused_before_they_unpack() -> None:
    status, body, reached = post_through_limit({b"content-encoding": b"gzip", b"content-length": b"9"}, b"x" * 9)
    assert (status, reached, body["detail"]) == (415, 0, "Request bodies are taken uncompressed.")
