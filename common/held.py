"""What every request reads and hardly anything changes, kept in the process for at most a second; what is only shown,
and checked afresh where it counts, for longer.

A permission that ended elsewhere is so seen within a second. Only what was found is kept: whoever was refused is looked
up again. Nobody may write through a value that came from here: other threads hold the same one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

SECONDS = 1.0
MOST = 10_000  # values of one kind in a process
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
_all: list[Held[Hashable, object]] = []


class Held(Generic[Key, Value]):
    """What `read` finds for a key, read again once it is so many seconds old."""

    def __init__(self, read: Callable[[Key], Value | None], seconds: float = SECONDS) -> None:
        self._read = read
        self._seconds = seconds
        self._found: dict[Key, tuple[float, Value]] = {}
        _all.append(self)  # type: ignore[arg-type]  # only emptied through this list

    def get(self, key: Key) -> Value | None:
        now = time.monotonic()  # before it is read: what changes meanwhile counts as old
        kept = self._found.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        value = self._read(key)
        if value is None:
            self._found.pop(key, None)
            return None
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[key] = (now + self._seconds, value)
        return value

    def empty(self) -> None:
        self._found.clear()


def forget() -> None:
    """Whoever takes a right away in this process calls it, so that here it is seen at once."""
    for held in _all:
        held.empty()
