"""How a request meets its thread: one hop from the event loop to a lasting thread, and one back.

Django's own ASGI handler runs every middleware on the event loop and sends each one's synchronous half
to a thread made for this request alone, which connects to the database anew. Our views are synchronous
(docs/decisions/0002), so here the whole chain runs in one thread of a pool: some twenty hops fewer, and
the database connection stays with the thread. An asynchronous view (the live text) is still awaited on
the event loop, and its response is streamed from there, holding neither thread nor connection.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.serving.deadline import watchdog


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


def _with_fit_connections(
    chain: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """What Django does by signals, which reach another thread than the one with the connection."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            with watchdog.at_work():
                return chain(request)
        finally:
            close_old_connections()

    return answer
