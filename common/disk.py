"""How much room is left where our files are, and from when on that is too little. Standard library only."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

FULL = 16 << 20  # bytes: PostgreSQL's log grows by pieces of this size
RESERVE, RESERVE_SHARE = 48 << 20, 0.15  # kept back for a database that cannot start again on a full disk
LOW, LOW_SHARE = 2 << 30, 0.10  # when to warn, unless DUOLOGUE_DISK_LOW says otherwise: the smaller of the two


@dataclass(frozen=True)
class Room:
    """The room on the disk of a folder."""

    free: int
    total: int
    warn_below: int

    @property
    def is_full(self) -> bool:
        return self.free < min(FULL, self.total // 20)

    @property
    def is_low(self) -> bool:
        return self.free < self.warn_below

    def __str__(self) -> str:
        return f"{_size(self.free)} of {_size(self.total)} are free"


def room(folder: Path, low: int | None = None) -> Room:
    """Of the disk where `folder` is; `low` is the operator's threshold in bytes."""
    usage = shutil.disk_usage(folder)
    return Room(usage.free, usage.total, low or min(LOW, int(usage.total * LOW_SHARE)))


def is_full(folder: Path) -> bool:
    """False also where that cannot be known."""
    try:
        return room(folder).is_full
    except OSError:
        return False


@dataclass(frozen=True)
class Reserve:
    """A file that only takes up room, until it is given up for something that needs it more."""

    path: Path

    def keep(self) -> None:
        """Make it, where there is room for it several times over."""
        with contextlib.suppress(OSError):
            found = room(self.path.parent)
            size = min(RESERVE, int(found.total * RESERVE_SHARE))
            if self.path.exists() or found.free < 3 * size:
                return
            number = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(number, 0, size)
            finally:
                os.close(number)

    def give_up(self) -> bool:
        """Whether there was one."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{count >> 20} MB"
