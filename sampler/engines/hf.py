"""transformers in this process: requests and their K samples share one running batch.

A prompt is read once and its keys and values are given to each of its samples. Rows join and leave
between any two steps; interactive ones join first, and some rows are kept for them. What the batch
itself is made of is in `_batch.py`, the drawing of tokens in `_choose.py`, loading in `_load.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any
from uuid import UUID

import torch

from sampler.engines import _load, _measure
from sampler.engines._batch import RollingBatch
from sampler.engines._chat import Chat
from sampler.engines._choose import Chooser
from sampler.engines._work import Entry, Row
from sampler.engines.base import (
    Delta,
    Drawn,
    Ended,
    Event,
    Failed,
    Job,
    Returned,
    Room,
    Spec,
    Started,
    TextStream,
)
from sampler.params import SEEDS

logger = logging.getLogger(__name__)
CHUNK = 256  # tokens of a prompt that are read between two steps
REGROW = 500  # steps without an error after which a halved batch may grow again


class HfEngine:
    def __init__(self, loaded: _load.Loaded, spec: Spec) -> None:
        self.loaded = loaded
        self.spec = spec
        self.memory_bytes = loaded.memory_bytes
        self.chat = Chat(
            loaded.tokenizer, system_prompt=spec.system_prompt, context_limit=spec.context_limit or loaded.context_limit
        )
        self.batch = self.fresh_batch()
        self.most = self.measured = 32  # rows for background samples
        self.reserve = 4  # … and so many more that only interactive ones may take
        self.static = False  # background samples join only where none runs
        self._batching: dict[str, Any] = {}
        self.rows: list[Row] = []
        self.entries: dict[UUID, Entry] = {}
        self._arrivals: deque[Job] = deque()
        self._pending: list[Entry] = []
        self._cancels: set[UUID] = set()
        self._lock = threading.Lock()
        self._chooser: Chooser | None = None
        self._tokens: torch.Tensor | None = None
        self._calm = 0
        self._gathering = True  # static batching: no background sample ran when this step began

    def fresh_batch(self) -> RollingBatch:
        return RollingBatch(self.loaded.model, window=self.loaded.window, mixed=self.loaded.mixed)

    def settle_batching(self) -> None:
        """Measure, or take over what was measured, and batch accordingly."""
        self._batching = _measure.settle(self, self.spec.batching)
        self.most = self.measured = int(self._batching["rows"])
        self.reserve = max(4, self.most // 8)
        self.static = self._batching["way"] == "static"

    # Called from any thread

    def add(self, job: Job) -> None:
        self._arrivals.append(job)

    def cancel(self, job_id: UUID) -> None:
        with self._lock:
            self._cancels.add(job_id)

    def room(self) -> Room:
        waiting = sum(job.params.n for job in tuple(self._arrivals))
        waiting += sum(len(e.waiting) or e.job.params.n for e in tuple(self._pending))
        running = len(self.rows) + waiting
        return Room(max(0, self.most + self.reserve - running), max(0, self.most - running), running)

    # One step

    @torch.inference_mode()
    def step(self) -> list[Event]:
        events: list[Event] = []
        self._gathering = all(r.entry.job.interactive for r in self.rows)
        self._take_cancels(events)
        self._admit(events)
        if self.rows:
            self._decode(events)
        elif not self._pending and not self._arrivals:
            time.sleep(0.002)
        return events

    def _take_arrivals(self, events: list[Event]) -> None:
        while self._arrivals:
            job = self._arrivals.popleft()
            entry = Entry(job)
            self.entries[job.id] = entry
            at = len(self._pending)
            if job.interactive:  # behind the interactive ones, before all others
                at = next((i for i, e in enumerate(self._pending) if not e.job.interactive), at)
            self._pending.insert(at, entry)

    def _admit(self, events: list[Event]) -> None:
        """Read prompts and let their samples join. Background prompts yield to steps of those who wait for text."""
        live = any(r.entry.job.interactive for r in self.rows)
        spent = 0
        while True:
            self._take_arrivals(events)
            entry = self._pending[0] if self._pending else None
            if entry is None or self._free_for(entry) <= 0:
                return
            if not entry.job.interactive and live and spent >= CHUNK:
                return
            try:
                if entry.prompt is None:
                    self._render(entry, events)
                spent += self._read(entry)
            except torch.OutOfMemoryError as error:
                entry.past, entry.logits, entry.done_ids = None, None, 0
                if not self._shrink(events):
                    self._fail(entry, f"Out of memory with this request alone: {error}", events)
                return
            except Exception as error:
                logger.exception("%s: a prompt could not be read", self.spec.slug)
                self._fail(entry, f"{type(error).__name__}: {error}", events)
                continue
            if entry.logits is not None:
                self._join(entry, events)
            if live and not entry.job.interactive:
                return

    def _free_for(self, entry: Entry) -> int:
        limit = self.most + self.reserve if entry.job.interactive else self.most
        free = limit - len(self.rows)
        if self.static and not entry.job.interactive and not self._gathering:
            free = 0
        if not self.rows:
            return max(1, free)
        length = (len(entry.prompt.ids) if entry.prompt else 0) + entry.job.params.max_tokens
        width = max(length, max(len(r.entry.prompt.ids) + r.limit for r in self.rows if r.entry.prompt))
        affordable = self.loaded.cache_tokens // max(1, width) - len(self.rows)
        return min(free, affordable)

    def _render(self, entry: Entry, events: list[Event]) -> None:
        job = entry.job
        prompt = self.chat.render(job.messages, max_tokens=job.params.max_tokens, writes=job.writes)
        entry.prompt = prompt
        stops = (*job.params.stop, *prompt.stops)
        seed = job.params.seed or 0
        entry.waiting = [
            Row(
                entry,
                index,
                (seed + index) % SEEDS,
                int(prompt.report["max_tokens"]),
                TextStream(self.loaded.decode, stops) if job.interactive or stops else None,
            )
            for index in range(job.params.n)
        ]
        events.append(Started(job.id, prompt.report))

    def _read(self, entry: Entry) -> int:
        """One chunk of the prompt (and, for a sample that was pushed out, of what it had said)."""
        assert entry.prompt is not None
        if entry.logits is not None:
            return 0
        ids = entry.prompt.ids + (entry.waiting[0].ids if entry.waiting[0].ids else [])
        chunk = ids[entry.done_ids : entry.done_ids + CHUNK]
        logits, entry.past = self.batch.prefill(chunk, entry.past)
        entry.done_ids += len(chunk)
        if entry.done_ids == len(ids):
            entry.logits = logits
        return len(chunk)

    def _join(self, entry: Entry, events: list[Event]) -> None:
        """As many of its samples as there are rows for take their first token and join."""
        free = self._free_for(entry)
        resumed = bool(entry.waiting[0].ids)
        rows = entry.waiting[: 1 if resumed else free]
        fresh = len([r for r in rows if not r.ids]) if not resumed else 1
        rows = rows[:fresh]
        del entry.waiting[: len(rows)]
        assert entry.logits is not None
        chooser = self._chooser_for(rows)
        tokens, logprobs = chooser.choose(entry.logits.expand(len(rows), -1), [r.count for r in rows])
        self.batch.join(entry.past, len(rows))
        self.rows.extend(rows)
        self._chooser = None
        previous = self._tokens[: len(self.rows) - len(rows)] if self._tokens is not None else tokens[:0]
        self._tokens = torch.cat([previous, tokens])
        if not entry.waiting:
            self._pending.remove(entry)
        if not entry.waiting or entry.waiting[0].ids:
            entry.past, entry.logits, entry.done_ids = None, None, 0
        self._account(rows, tokens.tolist(), logprobs.tolist(), events)

    def _decode(self, events: list[Event]) -> None:
        assert self._tokens is not None
        try:
            logits = self.batch.decode(self._tokens)
            if self._chooser is None:
                self._chooser = self._chooser_for(self.rows)
            tokens, logprobs = self._chooser.choose(logits, [r.count for r in self.rows])
        except torch.OutOfMemoryError as error:
            if not self._shrink(events):
                self._fail(self.rows[0].entry, f"Out of memory with this request alone: {error}", events)
            return
        self._tokens = tokens
        self._account(list(self.rows), tokens.tolist(), logprobs.tolist(), events)
        self._calm += 1
        if self._calm >= REGROW and self.most < self.measured:
            self.most, self._calm = min(self.measured, self.most * 2), 0

    def _chooser_for(self, rows: list[Row]) -> Chooser:
        params = [r.entry.job.params for r in rows]
        return Chooser(
            [p.temperature for p in params], [p.top_p for p in params], [p.top_k for p in params],
            [r.seed for r in rows], self.loaded.model.device,
        )  # fmt: skip

    def _account(self, rows: list[Row], tokens: list[int], logprobs: list[float], events: list[Event]) -> None:
        """Take note of one new token per row; rows that are finished leave."""
        finished: list[tuple[Row, str]] = []
        for row, token, logprob in zip(rows, tokens, logprobs, strict=True):
            row.ids.append(token)
            row.logprob += logprob
            job_id = row.entry.job.id
            text = ""
            if token in self.loaded.ends:
                finished.append((row, "stop"))
            elif row.stream is not None:
                text = row.stream.push(token)
                if row.stream.stopped:
                    finished.append((row, "stop"))
                elif row.count >= row.limit:
                    finished.append((row, "length"))
            elif row.count >= row.limit:
                finished.append((row, "length"))
            if text or not row.started:
                row.started = True
                events.append(Delta(job_id, row.index, text))
        for row, reason in finished:
            self._finish(row, reason, events)

    def _finish(self, row: Row, reason: str, events: list[Event]) -> None:
        entry = row.entry
        if row in self.rows:
            self._remove(row)
        if row.stream is not None:
            if (rest := row.stream.finish()) and not row.stream.stopped:
                events.append(Delta(entry.job.id, row.index, rest, 0))
            text = row.stream.text
        else:
            text = self.loaded.decode(row.ids)
            events.append(Delta(entry.job.id, row.index, text, row.count - 1))
        if row.stream is not None and row.stream.stopped:
            reason = "stop"
        entry.drawn.append(
            Drawn(
                index=row.index,
                text=text,
                finish_reason=reason,
                prompt_tokens=len(entry.prompt.ids) if entry.prompt else None,
                completion_tokens=row.count,
                logprob=row.logprob,
                seed=row.seed,
            )
        )
        if len(entry.drawn) == entry.job.params.n:
            self._end(entry, events)

    def _end(self, entry: Entry, events: list[Event]) -> None:
        self.entries.pop(entry.job.id, None)
        if entry in self._pending:
            self._pending.remove(entry)
        events.append(Ended(entry.job.id, tuple(sorted(entry.drawn, key=lambda d: d.index)), entry.cancelled))

    def _remove(self, row: Row) -> None:
        index = next(i for i, r in enumerate(self.rows) if r is row)
        last = self.batch.leave(index)
        if self._tokens is not None:
            if index != last:
                self._tokens[index] = self._tokens[last]
            self._tokens = self._tokens[:last]
        moved = self.rows.pop()
        if index != last:
            self.rows[index] = moved
        self._chooser = None

    def _take_cancels(self, events: list[Event]) -> None:
        if not self._cancels:
            return
        self._take_arrivals(events)
        with self._lock:
            wanted, self._cancels = self._cancels, set()
        for job_id in wanted:
            entry = self.entries.get(job_id)
            if entry is None:
                continue
            entry.cancelled = True
            if entry.prompt is None:
                self._render(entry, events)
            for row in [*entry.waiting, *(r for r in self.rows if r.entry is entry)]:
                self._finish(row, "cancelled", events)

    def _fail(self, entry: Entry, reason: str, events: list[Event], *, retry: bool = True) -> None:
        for row in [r for r in self.rows if r.entry is entry]:
            self._remove(row)
        self.entries.pop(entry.job.id, None)
        if entry in self._pending:
            self._pending.remove(entry)
        events.append(Failed(entry.job.id, reason, retry))

    def _shrink(self, events: list[Event]) -> bool:
        """Halve the batch: the rows beyond it wait, with what they have said, and go on later. False: it is at one."""
        if len(self.rows) <= 1 and self.most <= 1:
            return False
        self.most = max(1, min(self.most, max(len(self.rows), 1)) // 2)
        self._calm = 0
        keep = sorted(self.rows, key=lambda r: not r.entry.job.interactive)[: self.most]
        for row in [r for r in self.rows if not any(r is k for k in keep)]:
            self._remove(row)
            row.entry.waiting.append(row)
            if row.entry not in self._pending:
                self._pending.append(row.entry)
        for entry in self._pending:
            entry.past, entry.logits, entry.done_ids = None, None, 0
            entry.waiting.sort(key=lambda r: not r.ids)
        self.batch.release()
        if self.loaded.model.device.type == "cuda":
            torch.cuda.empty_cache()
        logger.warning("%s: out of memory; the batch is halved to %d rows", self.spec.slug, self.most)
        return True

    # The rest of an engine

    def give_back(self) -> list[Event]:
        ids = [job.id for job in self._arrivals] + list(self.entries)
        self._arrivals.clear()
        self._pending, self.entries, self.rows = [], {}, []
        self.batch = self.fresh_batch()
        self._tokens = self._chooser = None
        with self._lock:
            self._cancels = set()
        return [Returned(job_id) for job_id in dict.fromkeys(ids)]

    def provenance(self) -> dict[str, Any]:
        return {**self.loaded.facts, "template_hash": self.chat.template_hash}

    def batching(self) -> dict[str, Any]:
        return dict(self._batching)

    def close(self) -> None:
        self.give_back()
        self.loaded.close()


def load(spec: Spec) -> HfEngine:
    """Load the model on the best device there is.

    Raises:
        CannotLoad: why, for the operator.
    """
    engine = HfEngine(_load.load(spec), spec)
    engine.settle_batching()
    return engine


def memory_total() -> int:
    return _load.total_memory(_load.best_device())


def memory_needed(spec: Spec) -> int:
    return _load.memory_needed(spec)
