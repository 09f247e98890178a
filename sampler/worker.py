"""A sampler worker: claims requests, lets engines generate, hands results to be written.

One thread decodes and does nothing else. Beside it: the feeder (`feeder.py`) claims requests and looks for
stops, the heartbeat (`heartbeat.py`) extends leases and reports, new models are tried (`trying.py`), the writer and
the publisher of `output.py` store and show. The decoding loop therefore never waits for PostgreSQL or Redis.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from django.conf import settings
from django.db import connection
from django.utils import timezone

from sampler import doorbells, heartbeat, metrics, results, status, trying
from sampler.engines.base import Delta, Ended, Event, Failed, Returned, Started
from sampler.feeder import Feeder
from sampler.held import Held, WorkerState
from sampler.loaded_models import LoadedModel
from sampler.models import SampleRequest
from sampler.output import Entry
from sampler.results import Result
from sampler.screened import Screened
from sampler.screener import End, Piece, Screener

logger = logging.getLogger(__name__)
LAST_WORDS = 5.0  # seconds for each thread to end in


class Worker:
    def __init__(self, *, slugs: Sequence[str] = (), name: str = "", memory_limit: int | None = None) -> None:
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.state = WorkerState(
            name=self.name, slugs=slugs, memory_limit=memory_limit or settings.SAMPLER_MEMORY_LIMIT
        )
        self.models = self.state.models
        self.feeder = Feeder(self.state)
        self.screener = Screener(self.state.publisher)

    # What others call

    def ring(self) -> None:
        """There may be something to do."""
        self.state.ring()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what runs has ended, or the grace is over."""
        self.state.stopping.set()
        self.ring()

    def run(self) -> None:
        """Serve until stopped."""
        state = self.state
        threads = [
            threading.Thread(target=self.feeder.run, name="feeder", daemon=True),
            threading.Thread(target=heartbeat.run, args=(state,), name="heartbeat", daemon=True),
            threading.Thread(target=trying.run, args=(state,), name="trials", daemon=True),
        ]
        for thread in threads:
            thread.start()
        logger.info("worker %s serves %s", self.name, ", ".join(state.slugs) or "every model version")
        try:
            self._decode_until_stopped()
        finally:
            state.stopping.set()
            state.stopped.set()
            self.ring()
            for thread in threads:
                thread.join(LAST_WORDS)
            self.screener.close(within=5.0)
            state.writer.close(within=10.0)
            state.publisher.close(within=2.0)
            state.models.close()
            trying.leave(self.name)
            status.gone(self.name)
            connection.close()
            logger.info("worker %s ended", self.name)

    # The decoding thread

    def _decode_until_stopped(self) -> None:
        state = self.state
        grace_ends: float | None = None
        while True:
            state.may_decode.clear()
            busy = [model for model in state.models.all() if model.busy]
            for model in busy:
                self._step(model)
            state.models.sweep()
            if state.stopping.is_set():
                if grace_ends is None:
                    grace_ends = time.monotonic() + settings.SAMPLER_GRACE_SECONDS
                if not busy and not state.held:
                    return
                if time.monotonic() >= grace_ends:
                    self._hand_back()
                    return
            if not busy:
                state.may_decode.wait(0.05 if state.stopping.is_set() else 1.0)

    def _step(self, model: LoadedModel) -> None:
        began = time.monotonic()
        try:
            events = model.engine.step()
        except Exception as error:
            # Nobody knows which request broke it: all of them go back, and the repeated ones run alone.
            logger.exception("%s: a step broke", model.slug)
            events = [replace(e, broken=f"{type(error).__name__}: {error}") for e in give_back(model)]
        entries: list[Entry] = []
        tokens = 0
        room_made = False
        for event in events:
            held = self.state.held.get(event.job_id)
            if held is None:
                continue
            if isinstance(event, Delta):
                tokens += event.tokens
                if held.first_token_at is None:
                    _saw_first_token(held)
                if held.live and held.screening:
                    self.screener.put(Piece(event.job_id, held, event.index, event.text))
                elif held.live:
                    entries.append((held.request_id, {"i": event.index, "t": event.text}))
            elif isinstance(event, Started):
                held.report = event.report
            else:
                room_made = True
                self._end(event, held)
        self.state.publisher.put(entries)
        metrics.stepped(
            model.slug, seconds=time.monotonic() - began, tokens=tokens, running=model.engine.room().running
        )
        if room_made:
            self.state.may_claim.set()

    def _end(self, event: Ended | Failed | Returned, held: Held) -> None:
        if isinstance(event, Failed) or (isinstance(event, Returned) and event.broken):
            metrics.failed(held.model.slug)
        if held.screening:
            self.screener.put(End(event.job_id, held, event, partial(self._write, event, held)))
        else:
            self._write(event, held)

    def _write(self, event: Ended | Failed | Returned, held: Held, screened: Screened | None = None) -> None:
        self.state.held.drop(event.job_id)  # only now: while a filter is asked, the lease is kept
        self.state.writer.put(partial(self._write_and_tell, _write_of(event, held, screened), held))

    def _write_and_tell(self, write: Callable[[], bool], held: Held) -> None:
        """In the writer's thread: the row first, then the end of the live text."""
        if not write() or not held.live:
            return
        state = SampleRequest.objects.values_list("state", flat=True).get(pk=held.request_id)
        if state in SampleRequest.ENDED:
            self.state.publisher.put([(held.request_id, {"end": state})])
            doorbells.tell_ended()
        else:
            self.state.publisher.put([(held.request_id, {"reset": 1})])

    def _hand_back(self) -> None:
        logger.warning("%d requests did not end within the grace and are handed back", len(self.state.held))
        for model in self.state.models.all():
            for event in give_back(model):
                if held := self.state.held.get(event.job_id):
                    self._end(event, held)


def _saw_first_token(held: Held) -> None:
    held.first_token_at = timezone.now()
    waited = (held.first_token_at - held.created_at).total_seconds()
    metrics.first_token(held.model.slug, interactive=held.live, seconds=waited)


def _write_of(event: Event, held: Held, screened: Screened | None) -> Callable[[], bool]:
    """What is written when a job has ended so."""
    request_id, attempt = held.request_id, held.attempt
    if isinstance(event, Ended):
        used = held.params.to_dict()
        drawn = [d if d.params else replace(d, params={**used, "n": 1, "seed": d.seed}) for d in event.drawn]
        result = Result(
            drawn, cancelled=event.cancelled, screened=screened, prompt_report=held.report,
            provenance=held.model.provenance, started_at=held.started_at, first_token_at=held.first_token_at,
            finished_at=timezone.now(),
        )  # fmt: skip
        return partial(results.complete, request_id=request_id, attempt=attempt, result=result)
    if isinstance(event, Failed):
        return partial(
            results.fail, request_id=request_id, attempt=attempt, reason=event.reason, retry=event.retry,
            partial=event.partial,
        )  # fmt: skip
    if isinstance(event, Returned) and event.broken:
        return partial(results.abandon, request_id=request_id, attempt=attempt, reason=event.broken)
    return partial(results.give_back, request_id=request_id, attempt=attempt)


def give_back(model: LoadedModel) -> list[Returned]:
    return [e for e in model.engine.give_back() if isinstance(e, Returned)]
