"""Whether what runs also answers: a server by a question, each of several web processes by its sign of life."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from common import processes

EVERY = 3.0  # seconds between two questions
LOOK_EVERY = 1.0  # seconds between two looks at the signs


class Watch:
    """Knows for how long `answers` has said no, asked from a thread of its own, since asking may take its time.

    Nothing is known before the first yes: what starts is not hung. Counted is up to the last question, so that a watch
    that was itself stopped for a while does not take its own absence for another's.
    """

    def __init__(self, answers: Callable[[], bool], *, patience: float) -> None:
        self.answers = answers
        self.patience = patience
        self.last_yes = self.last_asked = 0.0  # 0: not yet since it was started
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Its process was started (again)."""
        self.last_yes = 0.0
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="watch", daemon=True)
            self._thread.start()

    def is_hung(self) -> bool:
        return self.last_yes > 0 and self.last_asked - self.last_yes > self.patience

    def _ask(self) -> None:
        while True:
            yes = self.answers()
            self.last_asked = time.monotonic()
            if yes:
                self.last_yes = self.last_asked
            time.sleep(EVERY)


class Signs:
    """The signs of life of a server's processes (`common/serving/sign_of_life.py`), by their numbers.

    A sign is fresh while the time of its file changes: what that time is does not matter, since clocks are set.
    """

    def __init__(self, folder: Path, *, patience: float, figures: Path | None = None) -> None:
        self.folder = folder
        self.patience = patience
        self.figures = figures  # what the processes count (common/serving/figures.py)
        self.changed: dict[str, tuple[int, float]] = {}  # the file's time, and when we saw it change
        self.looked = 0.0

    def begin(self) -> None:
        """The server was started (again)."""
        self.changed.clear()

    def hung(self) -> list[int]:
        """Processes that live and showed nothing for too long, each told once."""
        now = time.monotonic()
        if now - self.looked < LOOK_EVERY:
            return []
        if now - self.looked > self.patience / 2:
            self.changed.clear()  # we were stopped ourselves
        self.looked = now
        self._look(now)
        late = [name for name, (_, at) in self.changed.items() if now - at > self.patience]
        for name in late:
            del self.changed[name]
        return [int(name) for name in late]

    def _look(self, now: float) -> None:
        for file in self.folder.iterdir():
            try:
                if not processes.is_locked(file):
                    self._is_gone(file)
                    continue
                stamp = file.stat().st_mtime_ns
            except OSError:  # it ends just now
                continue
            if self.changed.get(file.name, (0, now))[0] != stamp:
                self.changed[file.name] = (stamp, now)

    def _is_gone(self, file: Path) -> None:
        """A process ended: it is at no request any more, whatever it has counted stays."""
        file.unlink()
        self.changed.pop(file.name, None)
        for left in self.figures.glob(f"gauge_live*_{file.name}.db") if self.figures is not None else ():
            left.unlink(missing_ok=True)
