"""A small client of our own API, as selfcheck and the demo loop use it: JSON, a token, and sentences for errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


class CheckFailed(Exception):
    """What did not work, as one sentence."""


class Client:
    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def call(self, method: str, path: str, body: Any = None, *, expect: tuple[int, ...] = (200, 201)) -> Any:
        """The answer's JSON, or None where it has no body.

        Raises:
            CheckFailed: no answer, or a status that was not expected.
        """
        try:
            answer = self.http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise CheckFailed(f"{method} {path}: the web server does not answer ({error}).") from None
        if answer.status_code not in expect:
            raise CheckFailed(f"{method} {path}: {answer.status_code}, {_detail(answer)}")
        return answer.json() if answer.content else None


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
