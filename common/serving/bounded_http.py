"""How large a request's head may be and how long its client may take over it: uvicorn bounds neither with httptools.

`uvicorn --http common.serving.bounded_http:BoundedHttp`. Bodies: `common/body_limit.py`; answers: `deadline.py`.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 32 * 1024  # bytes of request line and headers together
MOST_HEADERS = 100
PATIENCE = 15.0  # seconds from a head's first byte, or from the connection, to its end

TOO_LARGE = b"431 Request Header Fields Too Large"
TOO_SLOW = b"408 Request Timeout"


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol; a connection whose head is too large or too slow is answered and closed."""

    head = 0  # bytes of the head that is being read
    reading_head = True
    refused = False
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        if self.reading_head:
            self.head += len(data)
            if self.timer is None:
                self._await_head()
            if b"\r\n\r\n" not in data and self.head > MOST:
                self._refuse(TOO_LARGE)
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self.reading_head, self.head = False, 0
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MOST or len(self.headers) > MOST_HEADERS:
            self._refuse(TOO_LARGE)
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading_head = True
        if not self.refused:
            super().on_message_complete()

    def _await_head(self) -> None:
        self.timer = self.loop.call_later(PATIENCE, self._refuse, TOO_SLOW)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _refuse(self, status: bytes) -> None:
        self.refused = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
