"""The jobs of the hf engine: those that just came, those that wait for a row, and those that were stopped.

`add`, `cancel` and `samples` are called from any thread, the rest from the one that steps.
"""

from __future__ import annotations

import threading
from collections import deque
from uuid import UUID

from sampler.engines._entries import Entry
from sampler.engines.base import Job

SHORT = 1024  # characters of a prompt that is read before the rest of a longer one


class JobQueue:
    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}  # all jobs that have not ended
        self.pending: list[Entry] = []  # those of them with samples that have no row; interactive ones first
        self._arrivals: deque[Job] = deque()
        self._cancels: set[UUID] = set()
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        self._arrivals.append(job)

    def cancel(self, job_id: UUID) -> None:
        with self._lock:
            self._cancels.add(job_id)

    def samples(self) -> int:
        """Samples that wait for a row."""
        waiting = sum(job.params.n for job in tuple(self._arrivals))
        return waiting + sum(len(e.waiting) or e.job.params.n for e in tuple(self.pending))

    @property
    def idle(self) -> bool:
        return not self.pending and not self._arrivals

    def take_arrivals(self) -> None:
        while self._arrivals:
            job = self._arrivals.popleft()
            entry = Entry(job)
            self.entries[job.id] = entry
            at = len(self.pending)
            if job.interactive:  # behind the interactive ones, before all others
                at = next((i for i, e in enumerate(self.pending) if not e.job.interactive), at)
            self.pending.insert(at, entry)

    def short_before_long(self) -> None:
        """While a prompt that somebody waits for is partly read, a short one is read before its rest: a long one holds
        nobody up."""
        if not self.pending or not self.pending[0].partly_read:
            return
        for entry in self.pending[1:]:
            if entry.job.interactive and entry.fresh and entry.characters <= SHORT:
                self.pending.remove(entry)
                self.pending.insert(0, entry)
                return

    def take_cancelled(self) -> list[Entry]:
        """Jobs that were stopped since the last step and have not ended."""
        if not self._cancels:
            return []
        self.take_arrivals()
        with self._lock:
            wanted, self._cancels = self._cancels, set()
        return [self.entries[job_id] for job_id in wanted if job_id in self.entries]

    def put_back(self, entry: Entry) -> None:
        """A sample of it lost its row."""
        if entry not in self.pending:
            self.pending.append(entry)

    def has_rows(self, entry: Entry) -> None:
        """None of its samples waits any more."""
        if entry in self.pending:
            self.pending.remove(entry)

    def ended(self, entry: Entry) -> None:
        self.entries.pop(entry.job.id, None)
        self.has_rows(entry)

    def clear(self) -> list[UUID]:
        """Forget everything; the ids of what was there."""
        ids = dict.fromkeys([job.id for job in self._arrivals] + list(self.entries))
        self._arrivals.clear()
        self.pending, self.entries = [], {}
        with self._lock:
            self._cancels = set()
        return list(ids)
