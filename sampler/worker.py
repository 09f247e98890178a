"""A sampler worker: claims requests, lets engines generate, hands results to be written.

One thread decodes and does nothing else. Beside it: the feeder claims requests and looks for stops,
the heart extends leases and reports, the writer and the publisher of `sampler/mailbox.py` store and
show. The decoding loop therefore never waits for PostgreSQL or Redis.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from sampler import metrics, sampling, status
from sampler.engines.base import Delta, Ended, Event, Failed, Job, Returned, Started
from sampler.mailbox import LOST_CONNECTION, Entry, Publisher, Writer
from sampler.models import ModelVersion, SampleRequest
from sampler.params import SEEDS, SamplingParams
from sampler.stable import Stable, Stall, waiting_for

logger = logging.getLogger(__name__)
POLL = 0.5  # seconds after which the feeder looks without having been rung for
HEART = 2.0
REREAD = 5.0  # seconds after which the list of model versions is read again


@dataclass
class Held:
    """A request that this worker holds, as one try of it."""

    request_id: UUID
    attempt: int
    stall: Stall
    live: bool  # somebody waits for its tokens
    alone: bool
    created_at: datetime
    started_at: datetime
    params: SamplingParams
    report: dict[str, Any] = field(default_factory=dict)
    first_token_at: datetime | None = None


class Worker:
    def __init__(self, *, slugs: Sequence[str] = (), name: str = "", memory_limit: int | None = None) -> None:
        self.slugs = tuple(slugs)
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.stopping = threading.Event()
        self._bell = threading.Event()
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._held: dict[UUID, Held] = {}
        self._lock = threading.Lock()
        self._versions: list[ModelVersion] = []
        self._read_at = 0.0
        self.stable = Stable(memory_limit=memory_limit or settings.SAMPLER_MEMORY_LIMIT, on_change=self.ring)
        self.on_version: Callable[[str], None] = lambda slug: None  # told of each version that comes into view
        self._seen: set[str] = set()
        self.writer = Writer()
        self.publisher = Publisher()

    # What others call

    def ring(self) -> None:
        """There may be something to do."""
        self._bell.set()
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what runs has ended, or the grace is over."""
        self.stopping.set()
        self.ring()

    def run(self) -> None:
        """Serve until stopped."""
        threads = [
            threading.Thread(target=self._feed_until_stopped, name="feeder", daemon=True),
            threading.Thread(target=self._beat_until_stopped, name="heart", daemon=True),
        ]
        for thread in threads:
            thread.start()
        logger.info("worker %s serves %s", self.name, ", ".join(self.slugs) or "every model version")
        try:
            self._decode_until_stopped()
        finally:
            self.stopping.set()
            self._stopped.set()
            self.ring()
            for thread in threads:
                thread.join(5.0)
            self.writer.close(within=10.0)
            self.publisher.close(within=2.0)
            self.stable.close()
            status.gone(self.name)
            connection.close()
            logger.info("worker %s ended", self.name)

    # The decoding thread

    def _decode_until_stopped(self) -> None:
        grace_ends: float | None = None
        while True:
            self._work.clear()
            busy = False
            for stall in self.stable.stalls():
                if stall.engine.room().running:
                    busy = True
                    self._step(stall)
            self.stable.sweep()
            if self.stopping.is_set():
                if grace_ends is None:
                    grace_ends = time.monotonic() + settings.SAMPLER_GRACE_SECONDS
                if not busy and not self._held:
                    return
                if time.monotonic() >= grace_ends:
                    self._hand_back()
                    return
            if not busy:
                self._work.wait(0.05 if self.stopping.is_set() else 1.0)

    def _step(self, stall: Stall) -> None:
        began = time.monotonic()
        try:
            events = stall.engine.step()
        except Exception as error:
            # Nobody knows which request broke it: all of them go back, and the repeated ones run alone.
            logger.exception("%s: a step broke", stall.slug)
            events = [replace(e, broken=f"{type(error).__name__}: {error}") for e in give_back(stall)]
        entries: list[Entry] = []
        tokens = 0
        room_made = False
        for event in events:
            held = self._held.get(event.job_id)
            if held is None:
                continue
            if isinstance(event, Delta):
                tokens += event.tokens
                if held.first_token_at is None:
                    self._saw_first_token(held)
                if held.live:
                    entries.append((held.request_id, {"i": event.index, "t": event.text}))
            elif isinstance(event, Started):
                held.report = event.report
            else:
                room_made = True
                self._end(event, held)
        self.publisher.put(entries)
        metrics.stepped(
            stall.slug, seconds=time.monotonic() - began, tokens=tokens, running=stall.engine.room().running
        )
        if room_made:
            self._bell.set()

    def _saw_first_token(self, held: Held) -> None:
        held.first_token_at = timezone.now()
        waited = (held.first_token_at - held.created_at).total_seconds()
        metrics.first_token(held.stall.slug, interactive=held.live, seconds=waited)

    def _end(self, event: Event, held: Held) -> None:
        key: dict[str, Any] = {"request_id": held.request_id, "attempt": held.attempt}
        with self._lock:
            self._held.pop(event.job_id, None)
        if isinstance(event, Ended):
            used = held.params.to_dict()
            drawn = [d if d.params else replace(d, params={**used, "n": 1, "seed": d.seed}) for d in event.drawn]
            write = partial(
                sampling.complete, **key, drawn=drawn, cancelled=event.cancelled, prompt_report=held.report,
                provenance=held.stall.provenance, started_at=held.started_at, first_token_at=held.first_token_at,
                finished_at=timezone.now(),
            )  # fmt: skip
        elif isinstance(event, Failed):
            metrics.failed(held.stall.slug)
            write = partial(sampling.fail, **key, reason=event.reason, retry=event.retry)
        elif isinstance(event, Returned) and event.broken:
            metrics.failed(held.stall.slug)
            write = partial(sampling.abandon, **key, reason=event.broken)
        else:
            write = partial(sampling.give_back, **key)
        self.writer.put(partial(self._write_and_tell, write, held))

    def _write_and_tell(self, write: Any, held: Held) -> None:
        """In the writer's thread: the row first, then the end of the live text."""
        if not write() or not held.live:
            return
        state = SampleRequest.objects.values_list("state", flat=True).get(pk=held.request_id)
        if state in {SampleRequest.State.QUEUED, SampleRequest.State.RUNNING}:
            self.publisher.put([(held.request_id, {"reset": 1})])
        else:
            self.publisher.put([(held.request_id, {"end": state})])

    def _hand_back(self) -> None:
        logger.warning("%d requests did not end within the grace and are handed back", len(self._held))
        for stall in self.stable.stalls():
            for event in give_back(stall):
                if held := self._held.get(event.job_id):
                    self._end(event, held)

    # The feeder's thread

    def _feed_until_stopped(self) -> None:
        while not self._stopped.is_set():
            self._bell.wait(POLL)
            self._bell.clear()
            try:
                self._look_for_stops()
                if not self.stopping.is_set():
                    self._feed()
            except LOST_CONNECTION as error:
                logger.warning("feeder: PostgreSQL: %s", str(error).strip().splitlines()[0])
                connection.close()
                self._stopped.wait(POLL)
        connection.close()

    def _feed(self) -> None:
        if time.monotonic() - self._read_at > REREAD or not self._versions:
            self._read_versions()
        loaded = {s.version_id for s in self.stable.stalls()}
        for version in self._versions:
            stall = self.stable.get(version.pk)
            if stall is not None:
                self._claim_for(stall)
            elif version.pk not in loaded and self._wanted(version, alone=not loaded):
                self.stable.want(version)

    def _read_versions(self) -> None:
        rows = ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).exclude(state=ModelVersion.State.RETIRED)
        self._versions = list(rows.filter(slug__in=self.slugs) if self.slugs else rows)
        self._read_at = time.monotonic()
        for version in self._versions:
            if version.slug not in self._seen:
                self._seen.add(version.slug)
                self.on_version(version.slug)

    def _wanted(self, version: ModelVersion, *, alone: bool) -> bool:
        """Load it now? A worker started for named versions warms them up: whoever comes first does not wait for it."""
        waited_for = waiting_for(version.pk)
        if reason := self.stable.refused_lately(version.pk):
            if waited_for:  # whoever asks is told at once
                sampling.fail_waiting(model_version_id=version.pk, reason=reason)
            return False
        if version.state == ModelVersion.State.FAILED:
            return waited_for
        return waited_for or (version.slug in self.slugs and (alone or self.stable.has_room_for(version)))

    def _claim_for(self, stall: Stall) -> None:
        with self._lock:
            if any(h.alone for h in self._held.values() if h.stall is stall):
                return
        for interactive in (True, False):
            room = stall.engine.room()
            free = room.interactive if interactive else room.background
            rows = sampling.claim(
                worker=self.name, model_version_ids=[stall.version_id], room=free, interactive=interactive,
                empty=room.running == 0,
            )  # fmt: skip
            for row in rows:
                self._start(row, stall)
            if rows:
                stall.used_at = time.monotonic()
                self._work.set()
            if any(row.alone for row in rows):
                return

    def _start(self, row: SampleRequest, stall: Stall) -> None:
        live = row.priority < SampleRequest.Priority.BACKGROUND
        key: dict[str, Any] = {"request_id": row.pk, "attempt": row.attempts}
        try:
            params = SamplingParams.from_dict({**row.params, "n": row.n})
        except ValueError as error:
            self.writer.put(partial(sampling.fail, **key, reason=str(error), retry=False))
            return
        if params.seed is None:  # so that every text can be drawn again
            params = replace(params, seed=row.pk.int % SEEDS)
        job = Job(uuid.uuid4(), row.prompt, params, row.writes, live)
        held = Held(
            row.pk, row.attempts, stall, live, row.alone, row.created_at, row.started_at or timezone.now(), params
        )
        with self._lock:
            self._held[job.id] = held
        stall.engine.add(job)

    def _look_for_stops(self) -> None:
        with self._lock:
            by_request = {held.request_id: (job_id, held) for job_id, held in self._held.items()}
        if by_request:
            for request_id in sampling.to_cancel(worker=self.name):
                if request_id in by_request:
                    job_id, held = by_request[request_id]
                    held.stall.engine.cancel(job_id)

    # The heart's thread

    def _beat_until_stopped(self) -> None:
        every = min(HEART, settings.SAMPLER_LEASE_SECONDS / 4)
        while True:
            try:
                self._extend_leases()
            except LOST_CONNECTION as error:
                logger.warning("heart: PostgreSQL: %s", str(error).strip().splitlines()[0])
                connection.close()
            status.report(self._status())
            if self._stopped.wait(every):
                break
        connection.close()

    def _extend_leases(self) -> None:
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        still = sampling.heartbeat(worker=self.name, request_ids=[h.request_id for h in held.values()])
        lost = [h for job_id, h in held.items() if h.request_id not in still and job_id in self._held]
        if lost:
            # They go on: what ends before another worker claims it is stored, and nothing else is.
            logger.warning("the leases of %d requests ran out", len(lost))

    def _status(self) -> dict[str, Any]:
        stalls = self.stable.stalls()
        return {
            "name": self.name, "pid": os.getpid(), "host": socket.gethostname(), "at": time.time(),
            "serves": list(self.slugs), "loading": self.stable.loading, "stopping": self.stopping.is_set(),
            "loaded": {
                s.slug: {**s.engine.batching(), "device": s.provenance.get("device", ""),
                         "running": s.engine.room().running, "memory_bytes": s.engine.memory_bytes}
                for s in stalls
            },
            "held": len(self._held),
            "metrics": metrics.summary(),
        }  # fmt: skip


def give_back(stall: Stall) -> list[Returned]:
    return [e for e in stall.engine.give_back() if isinstance(e, Returned)]
