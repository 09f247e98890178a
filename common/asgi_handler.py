"""How a request meets its thread: one hop from the event loop to a lasting thread, and one back.

Django's own ASGI handler runs every middleware on the event loop and sends each one's synchronous half
to a thread made for this request alone, which connects to the database anew. Our views are synchronous
(docs/decisions/0002), so here the whole chain runs in one thread of a pool: some twenty hops fewer, and
the database connection stays with the thread. An asynchronous view (the live text) is still awaited on
the event loop, and its response is streamed from there, holding neither thread nor connection.

A request that loses the database before anything of it was stored is made once more: PostgreSQL is back in a second or
two after it was restarted, and nobody needs to know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import close_old_connections, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.database.base import DatabaseWrapper
from common.serving.deadline import watchdog

log = logging.getLogger(__name__)
PAUSES = (0.25, 0.75, 1.5, 3.0)  # seconds before a request that lost the database is made again


class ThreadedHandler(ASGIHandler):
    """Django's ASGI handler with `threads` lasting threads, each with a database connection of its own."""

    def __init__(self, *, threads: int) -> None:
        self.threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        chain: Callable[[HttpRequest], HttpResponseBase] = self._middleware_chain  # type: ignore[has-type]
        self._middleware_chain = sync_to_async(
            _with_fit_connections(chain), thread_sensitive=False, executor=self.threads
        )

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await super().run_get_response(request)
        for pause in PAUSES:
            if not getattr(response, "nothing_was_stored", False):
                break
            await asyncio.sleep(pause)
            anew = self._anew(request)
            if anew is None:
                break
            log.warning("the database went away before anything was stored: made again")
            request = anew  # the refusal is not closed: that would close what was sent
            response = await super().run_get_response(request)
        return response

    def _anew(self, request: HttpRequest) -> HttpRequest | None:
        """The same request, unread; None where its body is gone."""
        body = request._stream  # where Django keeps what was sent
        if not isinstance(request, ASGIRequest) or body.closed:
            return None
        body.seek(0)
        anew, _ = self.create_request(request.scope, body)
        return anew


def _with_fit_connections(
    chain: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """What Django does by signals, which reach another thread than the one with the connection."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            with watchdog.at_work(), _noting():
                return chain(request)
        finally:
            close_old_connections()

    return answer


def _noting() -> AbstractContextManager[None]:
    """Around a request in this thread: its connection knows afterwards whether anything was stored."""
    own = connections["default"]
    assert isinstance(own, DatabaseWrapper)
    return own.noting()
