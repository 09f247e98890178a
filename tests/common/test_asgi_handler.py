"""The handler between the event loop and the threads: lasting threads, lasting connections, live streams."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from common import asgi_handler
from common.asgi_handler import ThreadedHandler


def who(request: HttpRequest) -> HttpResponse:
    """The thread and the database connection that answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return HttpResponse(f"{threading.get_ident()} {cursor.fetchone()[0]}")


async def where(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


async def live(request: HttpRequest) -> StreamingHttpResponse:
    async def words() -> AsyncIterator[str]:
        for word in ("one ", "two"):
            await asyncio.sleep(0)
            yield word

    return StreamingHttpResponse(words())


urlpatterns = [path("who", who), path("where", where), path("broken", broken), path("live", live)]


async def ask(
    handler: ThreadedHandler,
    address: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = ((b"host", b"localhost"),),
) -> tuple[int, str]:
    sent: list[Mapping[str, Any]] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, object] = {
        "type": "http",
        "method": method,
        "path": address,
        "query_string": b"",
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
    }
    await handler(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedHandler]:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 300)  # as config/asgi.py does
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        handler = ThreadedHandler(threads=2)
        yield handler
        close_all(handler, 2)


def close_all(handler: ThreadedHandler, threads: int) -> None:
    together = threading.Barrier(threads)  # so that each thread closes its own
    for closed in [handler.threads.submit(close, together) for _ in range(threads)]:
        closed.result()
    handler.threads.shutdown()


def close(together: threading.Barrier) -> None:
    together.wait(30)
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_requests_share_threads_and_their_connections_and_async_views_stay_on_the_loop(
    handler: ThreadedHandler,
) -> None:
    async def several() -> tuple[list[str], str, tuple[int, str]]:
        one_after_another = [(await ask(handler, "/who"))[1] for _ in range(12)]
        return one_after_another, (await ask(handler, "/where"))[1], await ask(handler, "/broken")

    answers, on_loop, failure = asyncio.run(several())
    # A thread is free again a moment after its answer, so that the next request may begin the other one.
    assert len(set(answers)) <= 2, "a new thread or connection for a request"
    assert on_loop == str(threading.get_ident()), "an async view left the event loop"
    assert failure[0] == 500


@pytest.mark.django_db(transaction=True)
def test_a_request_makes_no_thread_and_a_connection_that_answered_is_not_asked_again(
    handler: ThreadedHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def is_usable(self: DatabaseWrapper) -> bool:
        asked.append(1)
        return True

    monkeypatch.setattr(DatabaseWrapper, "is_usable", is_usable)
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", True)
    made: list[str] = []
    begin = threading.Thread.start

    def start(self: threading.Thread) -> None:
        made.append(self.name)
        begin(self)

    monkeypatch.setattr(threading.Thread, "start", start)

    async def several() -> None:
        for _ in range(12):
            await ask(handler, "/who")

    asyncio.run(several())
    assert len([name for name in made if name.startswith("request_")]) <= 2
    assert [name for name in made if not name.startswith("request")] == []
    assert not asked
    monkeypatch.setattr(asgi_handler, "ANSWERED", 0.0)
    asyncio.run(several())
    assert len(asked) >= 11, "one that was idle is asked"


@pytest.mark.django_db(transaction=True)
def test_a_response_of_several_parts_is_streamed(handler: ThreadedHandler) -> None:
    assert asyncio.run(ask(handler, "/live")) == (200, "one two")
