"""How a request meets its thread: one hop from the event loop to a lasting thread, and one back.

Django's own ASGI handler runs every middleware on the event loop, sends each one's synchronous half to a thread made
for this request alone, which connects to the database anew, and makes another for what is done after the answer. Our
views are synchronous (docs/decisions/0002), so here everything from reading the request to closing the answer is done
in one thread of a pool: no thread is made, and the database connection stays with the thread. An asynchronous view (the
live text) is still awaited on the event loop, and its response is streamed from there, holding neither thread nor
connection.

A request that loses the database before anything of it was stored is made again: PostgreSQL is back a second or two
after it was restarted, and nobody needs to know.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, cast

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections, connection, connections
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix, set_urlconf
from django.utils.log import log_response

from common.database.base import DatabaseWrapper
from common.serving.deadline import watchdog

log = logging.getLogger(__name__)

Scope = dict[str, object]
Receive = Callable[[], Awaitable[Mapping[str, object]]]
Send = Callable[[Mapping[str, object]], Awaitable[None]]
ANSWERED = 1.0  # seconds for which a connection that answered is not asked whether it lives
PAUSES = (0.25, 0.75, 1.5, 3.0)  # seconds before a request that lost the database is made again
_of_thread = threading.local()


class ThreadedHandler(ASGIHandler):
    """Django's ASGI handler with `threads` lasting threads, each with a database connection of its own."""

    def __init__(self, *, threads: int) -> None:
        self.threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
        super().__init__()
        self._in_thread = sync_to_async(self._answer, thread_sensitive=False, executor=self.threads)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)  # refuses it
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answer = await self._in_thread(scope, body, bool(PAUSES))
        for left, pause in zip(range(len(PAUSES) - 1, -1, -1), PAUSES, strict=True):
            if (sent := getattr(answer, "sent", None)) is None:
                break
            await asyncio.sleep(pause)
            log.warning("the database went away before anything was stored: made again")
            answer = await self._in_thread(scope, sent, left > 0)
        if answer.streaming:
            await self._stream(answer, receive, send)
        else:
            await self.send_response(answer, send)

    def _answer(self, scope: Scope, body: IO[bytes], again: bool) -> HttpResponseBase:
        """All that is done in the thread; an answer that is not streamed is over then, but for one that is to be made
        `again`, which holds what was sent."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        _trust_connection()
        own = connections["default"]
        assert isinstance(own, DatabaseWrapper)
        with watchdog.at_work(), own.noting():
            request, refused = self.create_request(scope, body)
            answer = cast(HttpResponseBase, refused if request is None else self._of(request))
            answer._handler_class = type(self)  # type: ignore[attr-defined]
            _note_connection()
            if again and request is not None and _may_be_made_again(answer, request):
                close_old_connections()  # the answer is not closed: that would close what was sent
            elif answer.streaming:
                close_old_connections()  # what is streamed is read elsewhere
            else:
                answer.close()  # sends `request_finished`
        return answer

    def _of(self, request: HttpRequest) -> HttpResponseBase:
        set_urlconf(settings.ROOT_URLCONF)
        chain = cast(Callable[[HttpRequest], HttpResponseBase], self._middleware_chain)  # type: ignore[attr-defined]
        answer = chain(request)
        answer._resource_closers.append(request.close)  # type: ignore[attr-defined]
        if answer.status_code >= 400:
            log_response(
                "%s: %s", answer.reason_phrase, request.path, response=cast(HttpResponse, answer), request=request
            )
        if isinstance(answer, FileResponse):
            answer.block_size = self.chunk_size
        return answer

    async def _stream(self, answer: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send it until it ends or its reader is gone."""
        async with ThreadSensitiveContext():
            sending = asyncio.ensure_future(self.send_response(answer, send))
            gone = asyncio.ensure_future(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                whole = sending.done()
                sending.cancel()
                gone.cancel()
                await asyncio.gather(sending, gone, return_exceptions=True)
                await sync_to_async(answer.close)()
            if whole:
                sending.result()


def _may_be_made_again(answer: HttpResponseBase, request: HttpRequest) -> bool:
    sent = request._stream  # where Django keeps what was sent
    if not getattr(answer, "nothing_was_stored", False) or sent.closed:
        return False
    sent.seek(0)
    answer.sent = sent  # type: ignore[attr-defined]
    return True


def _trust_connection() -> None:
    """Django asks a lasting connection at every request whether it lives. One that has just answered need not be."""
    if connection.connection is not None and time.monotonic() - getattr(_of_thread, "answered", 0.0) < ANSWERED:
        connection.health_check_done = True  # type: ignore[attr-defined]


def _note_connection() -> None:
    _of_thread.answered = 0.0 if connection.errors_occurred or connection.connection is None else time.monotonic()
