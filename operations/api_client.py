"""A small client of our own API, as selfcheck uses it: JSON, a token, and sentences for errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from common.shapes import JsonLike

T = TypeVar("T")


class CheckFailed(Exception):
    """What did not work, as one sentence."""


class Client:
    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def call(
        self, method: str, path: str, form: type[T], body: JsonLike = None, *, expect: tuple[int, ...] = (200, 201)
    ) -> T:
        """The answer's JSON, which the API says to be of the form `form`.

        Raises:
            CheckFailed: no answer, or a status that was not expected.
        """
        found: T = self._send(method, path, body, expect).json()
        return found

    def call_or_none(
        self, method: str, path: str, form: type[T], body: JsonLike = None, *, expect: tuple[int, ...] = (200, 204)
    ) -> T | None:
        """The same, or None where the answer has no body."""
        answer = self._send(method, path, body, expect)
        found: T | None = answer.json() if answer.content else None
        return found

    def _send(self, method: str, path: str, body: JsonLike, expect: tuple[int, ...]) -> httpx.Response:
        try:
            answer = self.http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise CheckFailed(f"{method} {path}: the web server does not answer ({error}).") from None
        if answer.status_code not in expect:
            raise CheckFailed(f"{method} {path}: {answer.status_code}, {_detail(answer)}")
        return answer


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float, every: float = 0.25) -> T:
    """What `look` finds, as soon as it is not None.

    Raises:
        CheckFailed: it found nothing in time.
    """
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > until:
            raise CheckFailed(f"Waited {seconds:.0f} s for {what} in vain.")
        time.sleep(every)


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", answer.text[:200]))
    except (ValueError, AttributeError):
        return answer.text[:200].replace("\n", " ")
