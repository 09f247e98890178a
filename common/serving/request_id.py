"""The number of a request: in the answer's header, on every error page, and in every line of the log that the
request causes, those of the worker too."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar


def nobody() -> int | None:
    return None


current: ContextVar[str] = ContextVar("request_id", default="")
who: ContextVar[Callable[[], int | None]] = ContextVar("request_user", default=nobody)  # asked when a line is written
HEADER = b"x-request-id"
GOOD = re.compile(r"[A-Za-z0-9._-]{8,64}")


def new(given: str = "") -> str:
    """The number that a proxy in front gave, where it is fit for a log; else one of our own."""
    return given if GOOD.fullmatch(given) else uuid.uuid4().hex


def user_now() -> int | None:
    """Whose request or task this is, as far as anybody has looked so far."""
    return who.get()()


class Filter(logging.Filter):
    """Puts number and user on every record, so that any formatter can show them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current.get()
        if getattr(record, "user_id", None) is None:  # the line of the request itself brings its own
            record.user_id = user_now()
        return True
