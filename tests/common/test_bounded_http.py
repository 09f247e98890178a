"""Heads of requests over a socket: too large, too slow, split, pipelined; and that ordinary ones pass."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPResponseBodyEvent, HTTPResponseStartEvent, Scope

from common.serving import bounded_http


async def answers(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    size = str(len(body)).encode()
    headers = [(b"content-length", str(len(size)).encode())]
    await send(HTTPResponseStartEvent(type="http.response.start", status=200, headers=headers, trailers=False))
    await send(HTTPResponseBodyEvent(type="http.response.body", body=size, more_body=False))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(answers, http=bounded_http.BoundedHttp, ws="none", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def told(port: int, *parts: bytes, end: bytes = b"", count: int = 1, pause: float = 0.0) -> bytes:
    """What comes back until the server closes, or until `end` has come so many times."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for part in parts:
            with contextlib.suppress(OSError):
                client.sendall(part)
            time.sleep(pause)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while not end or answer.count(end) < count:
                chunk = client.recv(65536)
                if not chunk:
                    break
                answer += chunk
        return answer


HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n"
FIVE = b"\r\n\r\n5"  # the end of an answer


def test_ordinary_requests_pass_whole_split_and_one_after_the_other(port: int) -> None:
    assert told(port, HEAD + b"\r\nhello", end=FIVE).endswith(FIVE)
    assert told(port, *(bytes([byte]) for byte in HEAD + b"\r\nhello"), end=FIVE).endswith(FIVE)
    both = told(port, HEAD + b"\r\nhello" + HEAD + b"\r\nhello", end=FIVE, count=2)
    assert both.count(b"200 OK") == 2
    large = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
    assert told(port, large, end=b"900000").endswith(b"900000")
    assert told(port, HEAD + b"Cookie: " + b"x" * 20_000 + b"\r\n\r\nhello", end=FIVE).endswith(FIVE)


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n"],
        [b"GET /", *[b"x" * 10_000] * 20],
        [HEAD + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\nhello"],
        [HEAD + b"X-Endless: ", *[b"x" * 10_000] * 20],
        [HEAD, *[b"X-Many: x\r\n"] * 200, b"\r\nhello"],
        [HEAD + b"\r\nhello" + HEAD + b"X-Second: " + b"x" * 40_000 + b"\r\n\r\nhello"],
    ],
)
def test_a_head_that_is_too_large_is_refused_and_the_connection_closed(port: int, parts: list[bytes]) -> None:
    answer = told(port, *parts)
    assert b"431 Request Header Fields Too Large" in answer or answer == b""  # reset while it still sent


def test_who_dawdles_over_a_head_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "PATIENCE", 0.2)
    assert b"408 Request Timeout" in told(port, HEAD, b"X-Slow: ", pause=0.2)
    assert b"408" in told(port)  # a connection that says nothing at all
    monkeypatch.setattr(bounded_http, "PATIENCE", 1.0)
    slow_body = told(port, HEAD + b"\r\nhe", b"llo", end=FIVE, pause=1.2)
    assert b"200 OK" in slow_body, "that is the deadline's business"
