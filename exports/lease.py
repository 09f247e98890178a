"""The lease of a run that is being written: renewed from a thread, and where progress is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from exports.models import ExportRun

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 15.0


class LostLease(Exception):
    """Another worker holds the run now; nothing of this one's counts."""


class Lease:
    """Renews a run's lease while the folder is written.

    Inside a caller's transaction there is no thread: nobody else could see the row anyway.
    """

    def __init__(self, run: ExportRun) -> None:
        self._mine = ExportRun.objects.filter(pk=run.pk, attempts=run.attempts, state=ExportRun.State.RUNNING)
        self._stop = threading.Event()
        self._lost = False
        self._rows = 0
        self._told = 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Lease:
        if not connection.in_atomic_block:
            self._thread = threading.Thread(target=self._renew, name="export-lease", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def expect(self, rows: int) -> None:
        """What `rows_written` is on its way to."""
        self._mine.update(rows_expected=rows)

    def report(self, rows: int, also: Callable[[int], None] | None) -> None:
        """Called as rows are written.

        Raises:
            LostLease
        """
        self._rows = rows
        if self._lost:
            raise LostLease("The lease ran out and another worker took the run.")
        if time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._mine.update(rows_written=rows)
        if also:
            also(rows)

    def _renew(self) -> None:
        try:
            while not self._stop.wait(RENEW_SECONDS):
                renewed = self._mine.update(lease_expires_at=timezone.now() + LEASE, rows_written=self._rows)
                if not renewed:
                    self._lost = True
                    return
        finally:
            connection.close()
