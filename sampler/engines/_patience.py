"""How long the engine tries again where a server is away, busy or broken. Only errors named here are tried again."""

from __future__ import annotations

import time

import httpx

from sampler.engines._reply import Unfinished

AWAY = (httpx.ConnectError, httpx.ConnectTimeout)
BROKEN_OFF = (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError)
BUSY = {429, 502, 503, 504}
OUTAGE = 300.0  # seconds that a request waits for a server which is away or busy
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
TRIES = 3  # where the server is there and fails
RETRIED = (*AWAY, *BROKEN_OFF, httpx.HTTPStatusError, Unfinished)


class Patience:
    """For one HTTP request."""

    def __init__(self, base: str, outage: float) -> None:
        self.base, self.outage = base, outage
        self.trouble = ""  # what the last error was, for people
        self._began = time.monotonic()
        self._tries = 0
        self._failures = 0

    def pause(self, error: Exception, *, shown: bool) -> float:
        """Seconds to wait until the next try. `shown`: a reader has seen text of this request.

        Raises:
            TimeoutError: the server was away or busy for too long.
            Exception: the error itself, where another try would be one too many.
        """
        pause = PAUSES[min(self._tries, len(PAUSES) - 1)]
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            if status not in BUSY:
                self._fail(error)
            self.trouble = f"{self.base} answers with HTTP {status}"
            wait = error.response.headers.get("retry-after", "")
            pause = min(30.0, float(wait)) if wait.isdecimal() else pause
        elif isinstance(error, AWAY):
            self.trouble = f"{self.base} does not answer: {error}"
        else:
            self._fail(error)
            if shown:  # it would be drawn anew before the reader's eyes
                raise error
            self.trouble = f"{self.base} broke off: {type(error).__name__}: {error}"
        if time.monotonic() - self._began + pause > self.outage:
            raise TimeoutError(self.trouble)
        self._tries += 1
        return pause

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= TRIES:
            raise error
