"""Room on the disk of the var folder: the operator is told before it is full, and nothing is given up while it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from common import disk

EVERY, AGAIN = 5.0, 3600.0  # seconds between looks, and before the same is told again


class DiskWatch:
    def __init__(self, var: Path, say: Callable[[str], None], low: int | None = None) -> None:
        self.var, self.say, self.low = var, say, low
        self.told, self.told_at, self.looked_at = "", 0.0, 0.0

    def hindrance(self) -> str:
        return f"the disk of {str(self.var)!r} is full" if disk.is_full(self.var) else ""

    def look(self) -> None:
        """Tell what changed, and once an hour that it still is so."""
        now = time.monotonic()
        if now - self.looked_at < EVERY:
            return
        self.looked_at = now
        try:
            room = disk.room(self.var, self.low)
        except OSError:
            return
        state = "is full" if room.is_full else "runs low" if room.is_low else ""
        if state != self.told or (state and now - self.told_at > AGAIN):
            if state:
                self.say(f"the disk {state}: {room}. Make room: what does not fit is refused, nothing is lost.")
            else:
                self.say(f"the disk has room again: {room}")
            self.told, self.told_at = state, now
