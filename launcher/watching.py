"""Whether a process that runs also answers: asked from a thread of its own, since asking may take its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY = 3.0  # seconds


class Watch:
    """Knows for how long `answers` has said no. Nothing is known before the first yes: what starts is not hung."""

    def __init__(self, answers: Callable[[], bool], *, patience: float) -> None:
        self.answers = answers
        self.patience = patience
        self.last_yes = 0.0  # when it last answered; 0: not yet since it was started
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Its process was started (again)."""
        self.last_yes = 0.0
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="watch", daemon=True)
            self._thread.start()

    def is_hung(self) -> bool:
        return self.last_yes > 0 and time.monotonic() - self.last_yes > self.patience

    def _ask(self) -> None:
        while True:
            if self.answers():
                self.last_yes = time.monotonic()
            time.sleep(EVERY)
