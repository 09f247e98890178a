"""One address of a server that judges texts: asked with a limit of time, tried again where that may help.

It knows nothing of what is asked. Whatever goes wrong is `FilterDown`, with a sentence for the operator.
"""

from __future__ import annotations

import json
import threading
import time
import weakref

import httpx

from common import outgoing
from common.environment.filters import FilterServer
from common.shapes import Json, JsonLike, JsonObject
from screening.filters.base import FilterDown

PAUSES = (0.2, 1.0)  # seconds before the second and the third try
BUSY = {408, 425, 429, 500, 502, 503, 504}
MOST = 1 << 20  # bytes of an answer
REST = 5.0  # seconds without questions after a server was away, so that nobody waits for each of them


class Refusal(FilterDown):
    """The server understood, and refuses the question itself."""


class _Again(Exception):
    """Another try may go well."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Endpoint:
    """A path below a server's base URL. Called from any thread."""

    def __init__(self, server: FilterServer, path: str, *, timeout: float) -> None:
        self.server, self.url = server, f"{server.url}{path}"
        self.timeout = timeout
        self.refuses_probabilities = False  # of a guard model's server, once it has said so
        self._headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._rests_until, self._trouble = 0.0, ""

    def post(self, body: JsonLike) -> JsonObject:
        """The server's answer, an object.

        Raises:
            Refusal: it refuses the question (HTTP 4xx).
            FilterDown: it is away, busy or slow, or its answer is not JSON.
        """
        if time.monotonic() < self._rests_until:
            raise FilterDown(self._trouble)
        deadline = time.monotonic() + self.timeout
        for pause in (*PAUSES, None):
            try:
                return self._once(body, deadline)
            except _Again as again:
                wait = max(pause or 0.0, again.wait)
                if pause is None or time.monotonic() + wait >= deadline:
                    raise self._away(str(again)) from None
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _away(self, reason: str) -> FilterDown:
        self._trouble = f"{self.url}: {reason}"
        self._rests_until = time.monotonic() + REST
        return FilterDown(self._trouble)

    def _once(self, body: JsonLike, deadline: float) -> JsonObject:
        client = self._connected()
        left = max(0.05, deadline - time.monotonic())
        try:
            with client.stream("POST", self.url, json=body, timeout=httpx.Timeout(left)) as response:
                status, content = response.status_code, bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MOST:
                        raise FilterDown(f"{self.url}: the answer is longer than {MOST:,} bytes.")
                    if time.monotonic() > deadline:
                        raise self._away(f"no whole answer within {self.timeout:g} s.")
                wait = response.headers.get("retry-after", "")
        except httpx.TimeoutException:
            raise self._away(f"no answer within {self.timeout:g} s.") from None
        except httpx.HTTPError as error:
            raise _Again(f"{type(error).__name__}: {error}") from None
        if status in BUSY:
            raise _Again(f"it answers with HTTP {status}.", float(wait) if wait.isdecimal() else 0.0)
        if status in {401, 403}:
            raise FilterDown(f"{self.url}: it refuses the key (HTTP {status}).")
        if 400 <= status < 500:
            raise Refusal(f"{self.url}: it refuses the question (HTTP {status}).")
        if status != 200:  # a redirect too: the address is the one that the operator named
            raise FilterDown(f"{self.url}: it answers with HTTP {status}.")
        return self._object(bytes(content))

    def _object(self, content: bytes) -> JsonObject:
        try:
            found: Json = json.loads(content)
        except (ValueError, RecursionError):
            raise FilterDown(f"{self.url}: the answer is not JSON.") from None
        if not isinstance(found, dict):
            raise FilterDown(f"{self.url}: the answer is not an object.")
        return found

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                if trouble := outgoing.trouble_with(self.url):
                    raise FilterDown(trouble)
                self._client = httpx.Client(headers=self._headers, follow_redirects=False)
                weakref.finalize(self, self._client.close)
            return self._client


class KeptEndpoint:
    """A filter's endpoint, made at the first question and anew where the settings changed."""

    def __init__(self, path: str, variable: str) -> None:
        self.path, self.variable = path, variable
        self._made: Endpoint | None = None

    def for_settings(self, server: FilterServer | None, *, timeout: float) -> Endpoint:
        """
        Raises:
            FilterDown: the filter is not set up.
        """
        if server is None:
            raise FilterDown(f"{self.variable} is not set here.")
        if self._made is None or (self._made.server, self._made.timeout) != (server, timeout):
            self._made = Endpoint(server, self.path, timeout=timeout)
        return self._made
