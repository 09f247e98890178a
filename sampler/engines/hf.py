"""transformers in this process: requests and their K samples share one running batch.

A prompt is read once and its keys and values are given to each of its samples. Rows join and leave
between any two steps; interactive ones join first, and some rows are kept for them. The batch itself is
`generation/batch.py`, the drawing of tokens `generation/choose.py`, loading `_load.py`.
"""

from __future__ import annotations

import logging
import time
from uuid import UUID

import torch

from generation.batch import RollingBatch
from generation.devices import best_device, total_memory
from generation.rendering import ChatTemplate
from sampler.engines import _load, _measure
from sampler.engines._entries import Entry, Row
from sampler.engines._queue import JobQueue
from sampler.engines._running import Joining, RunningRows
from sampler.engines.base import (
    Batching,
    Delta,
    Ended,
    Event,
    Failed,
    Job,
    Loader,
    Provenance,
    Returned,
    Room,
    Spec,
    Started,
)

logger = logging.getLogger(__name__)
CHUNK = 256  # tokens of a prompt that are read between two steps
TOGETHER = 2048  # … of several prompts that a GPU reads at once while nobody waits for text
WASTE = 1.5  # … padding included, over without
REGROW = 500  # steps without an error after which a halved batch may grow again
SHARE_OF_WEIGHTS = 0.8  # of the device's memory; the rest is for keys and values


class HfEngine:
    def __init__(self, loaded: _load.Loaded, spec: Spec) -> None:
        self.loaded = loaded
        self.spec = spec
        self.context_limit: int | None = spec.context_limit or loaded.context_limit
        self.memory_bytes = loaded.memory_bytes
        self.chat = ChatTemplate(
            loaded.tokenizer, system_prompt=spec.system_prompt, system_turn=spec.system_turn,
            context_limit=self.context_limit, arguments=spec.template_arguments,
        )  # fmt: skip
        self.most = self.measured = 32  # rows for background samples
        self.reserve = 4  # … and so many more that only interactive ones may take
        self.static = False  # background samples join only where none runs
        self.captured = False  # decoding steps are captured as CUDA graphs
        self.running = RunningRows(self.fresh_batch())
        self.queue = JobQueue()
        self._batching = Batching()
        self._calm = 0  # steps since the memory last ran out
        self._texts_until = 0.0  # as long as a piece of a prompt took, texts being written have the model to themselves
        self._one_by_one = False  # prompts of this model cannot be read at once
        self._gathering = True  # static batching: no background sample ran when this step began

    def fresh_batch(self) -> RollingBatch:
        loaded = self.loaded
        return RollingBatch(loaded.model, window=loaded.window, mixed=loaded.mixed, captured=self.captured)

    def settle_batching(self) -> None:
        """Measure, or take over what was measured, and batch accordingly."""
        self._batching = _measure.settle(self, self.spec.batching)
        self.most = self.measured = int(self._batching["rows"])
        self.reserve = max(4, self.most // 8)
        self.static = self._batching["way"] == "static"
        self.decode_by(captured=self._batching.get("decoding") == "captured")

    def decode_by(self, *, captured: bool) -> None:
        """Capture decoding steps, or do not; only while nothing runs."""
        self.captured = captured
        self.running = RunningRows(self.fresh_batch())

    # Called from any thread

    def add(self, job: Job) -> None:
        self.queue.add(job)

    def cancel(self, job_id: UUID) -> None:
        self.queue.cancel(job_id)

    def room(self) -> Room:
        running = len(self.running) + self.queue.samples()
        return Room(max(0, self.most + self.reserve - running), max(0, self.most - running), running)

    # One step

    @torch.inference_mode()
    def step(self) -> list[Event]:
        events: list[Event] = []
        self._gathering = self.running.only_live
        self._admit(events)
        if self.running:
            self._decode(events)
        elif self.queue.idle:
            time.sleep(0.002)
        return events

    def _cancel(self, entry: Entry, events: list[Event]) -> None:
        entry.cancelled = True
        if entry.prompt is None:
            self._render(entry, events)
        for row in [*entry.waiting, *(r for r in self.running.rows if r.entry is entry)]:
            self._finish(row, "cancelled", events)

    # Prompts are read and samples get rows

    def _admit(self, events: list[Event]) -> None:
        """Read prompts and let their samples join. Background ones, and the rest of long ones, yield to live texts."""
        spent = 0
        while True:
            live = self.running.live
            for stopped in self.queue.take_cancelled():
                self._cancel(stopped, events)
            self.queue.take_arrivals()
            self.queue.short_before_long()
            entry = self.queue.pending[0] if self.queue.pending else None
            if entry is None or self._free_for(entry) <= 0:
                return
            rest_waits = entry.partly_read and time.monotonic() < self._texts_until
            if live and (rest_waits or (spent >= CHUNK and not entry.job.interactive)):
                return
            try:
                group = self._together(entry, live, events)
                spent += self._read_together(group) if len(group) > 1 else self._read(entry)
                self._join(group, events)
            except torch.OutOfMemoryError as error:
                entry.unread()
                self._shrink_or_fail(entry, error, events)
                return
            except Exception as error:
                logger.exception("%s: a prompt could not be read", self.spec.slug)
                self._fail(entry, f"{type(error).__name__}: {error}", events)
                continue
            if live and (not entry.job.interactive or entry.partly_read):
                return

    def _together(self, first: Entry, live: bool, events: list[Event]) -> list[Entry]:
        """The first job that waits, and those behind it whose prompts are read at once with its own."""
        if first.prompt is None:
            self._render(first, events)
        group, free = [first], self._free_for(first) - len(first.waiting)
        if not first.fresh or self._one_by_one:
            return group
        # Whoever comes meanwhile waits for all of it: on a CPU no longer than for one long prompt.
        most = TOGETHER if self.loaded.model.device.type == "cuda" and not live else CHUNK
        longest = total = first.length
        for entry in self.queue.pending[1:]:
            if free <= 0 or entry.job.interactive != first.job.interactive:
                break
            if entry.prompt is None:
                try:
                    self._render(entry, events)
                except Exception:  # it is told when this job is the first
                    break
            longest, total = max(longest, entry.length), total + entry.length
            padded = longest * (len(group) + 1)
            if not entry.fresh or longest > CHUNK or padded > most or padded > WASTE * total:
                break
            group.append(entry)
            free -= len(entry.waiting)
        return group

    def _free_for(self, entry: Entry) -> int:
        """Rows that its samples may take now."""
        rows = len(self.running)
        free = (self.most + self.reserve if entry.job.interactive else self.most) - rows
        if self.static and not entry.job.interactive and not self._gathering:
            free = 0
        if not rows:
            return max(1, free)
        length = (len(entry.prompt.ids) if entry.prompt else 0) + entry.job.params.max_tokens
        length += entry.job.params.max_reasoning_tokens if self.loaded.thinks else 0
        affordable = self.loaded.cache_tokens // max(1, length, self.running.width) - rows
        return min(free, affordable)

    def _render(self, entry: Entry, events: list[Event]) -> None:
        job = entry.job
        apart = job.params.max_reasoning_tokens if self.loaded.thinks else 0
        prompt = self.chat.render(
            job.messages, max_tokens=job.params.max_tokens, writes=job.writes, thinking=job.params.thinking,
            reserved=apart,
        )  # fmt: skip
        entry.take_prompt(prompt, self.loaded.decode, self.loaded.thinks)
        events.append(Started(job.id, prompt.report))

    def _read_together(self, group: list[Entry]) -> int:
        """Whole prompts, at once."""
        try:
            read = self.running.batch.prefill_together([entry.ids for entry in group])
        except torch.OutOfMemoryError:
            raise
        except Exception:
            logger.exception("%s: prompts are read one by one from now on", self.spec.slug)
            self._one_by_one = True
            return self._read(group[0])
        for entry, (logits, past) in zip(group, read, strict=True):
            entry.logits, entry.past, entry.done_ids = logits, past, past.length
        return len(group) * max(entry.length for entry in group)

    def _read(self, entry: Entry) -> int:
        """One chunk of the prompt (and, for a sample that was pushed out, of what it had said)."""
        if entry.logits is not None:
            return 0
        began = time.monotonic()
        read = entry.read_on(self.running.batch, CHUNK)
        if entry.job.interactive:
            self._texts_until = 2 * time.monotonic() - began
        return read

    def _join(self, group: list[Entry], events: list[Event]) -> None:
        """As many samples of prompts that are read as there are rows for take their first token and join."""
        joining: list[Joining] = []
        joined: list[Entry] = []
        free = self._free_for(group[0])
        for entry in group:
            if entry.logits is None or entry.past is None or free <= 0:
                continue
            resumed = bool(entry.waiting[0].ids)  # it goes on with what it had said, and so it joins alone
            rows = entry.waiting[:1] if resumed else [r for r in entry.waiting[:free] if not r.ids]
            joining.append(Joining(rows, entry.past, entry.logits))
            joined.append(entry)
            free -= len(rows)
        if not joining:
            return
        tokens, logprobs = self.running.join(joining)
        for entry, part in zip(joined, joining, strict=True):
            del entry.waiting[: len(part.rows)]
            if not entry.waiting:
                self.queue.has_rows(entry)
            if not entry.waiting or entry.waiting[0].ids:
                entry.unread()
        self._account([row for part in joining for row in part.rows], tokens, logprobs, events)

    # Tokens come and samples end

    def _decode(self, events: list[Event]) -> None:
        try:
            tokens, logprobs = self.running.decode()
        except torch.OutOfMemoryError as error:
            self._shrink_or_fail(self.running.rows[0].entry, error, events)
            return
        self._account(list(self.running.rows), tokens, logprobs, events)
        self._calm += 1
        if self._calm >= REGROW and self.most < self.measured:
            self.most, self._calm = min(self.measured, self.most * 2), 0

    def _account(self, rows: list[Row], tokens: list[int], logprobs: list[float], events: list[Event]) -> None:
        """Take note of one new token per row; rows that are finished leave."""
        finished: list[tuple[Row, str]] = []
        for row, token, logprob in zip(rows, tokens, logprobs, strict=True):
            text, reason = row.take(token, logprob, self.loaded.ends)
            if reason:
                finished.append((row, reason))
            if text or not row.started:
                row.started = True
                events.append(Delta(row.entry.job.id, row.index, text))
        for row, reason in finished:
            self._finish(row, reason, events)

    def _finish(self, row: Row, reason: str, events: list[Event]) -> None:
        entry = row.entry
        if row in self.running.rows:
            self.running.remove(row)
        drawn, rest = row.finish(reason, self.loaded.decode)
        if rest is not None:
            events.append(rest)
        entry.drawn.append(drawn)
        if len(entry.drawn) == entry.job.params.n:
            self.queue.ended(entry)
            events.append(Ended(entry.job.id, tuple(sorted(entry.drawn, key=lambda d: d.index)), entry.cancelled))

    def _fail(self, entry: Entry, reason: str, events: list[Event]) -> None:
        for row in [r for r in self.running.rows if r.entry is entry]:
            self.running.remove(row)
        self.queue.ended(entry)
        events.append(Failed(entry.job.id, reason))

    # Memory runs out

    def _shrink_or_fail(self, entry: Entry, error: Exception, events: list[Event]) -> None:
        if not self._shrink():
            self._fail(entry, f"Out of memory with this request alone: {error}", events)

    def _shrink(self) -> bool:
        """Halve the batch: the rows beyond it wait, with what they have said, and go on later. False: it is at one."""
        last = len(self.running) <= 1 and self.most <= 1
        self.most = max(1, min(self.most, max(len(self.running), 1)) // 2)
        self._calm = 0
        live_first = sorted(self.running.rows, key=lambda r: not r.entry.job.interactive)
        for row in live_first[self.most if self.running.batch.whole else 0 :]:
            self.running.remove(row)
            row.entry.waiting.append(row)
            self.queue.put_back(row.entry)
        for entry in self.queue.pending:
            entry.unread()
            entry.waiting.sort(key=lambda r: not r.ids)
        self.running.batch.release()
        if self.loaded.model.device.type == "cuda":
            torch.cuda.empty_cache()
        logger.warning("%s: out of memory; the batch is halved to %d rows", self.spec.slug, self.most)
        return not last

    # The rest of an engine

    def give_back(self) -> list[Event]:
        ids = self.queue.clear()
        self.running = RunningRows(self.fresh_batch())
        return [Returned(job_id) for job_id in ids]

    def provenance(self) -> Provenance:
        return {**self.loaded.provenance, "template_hash": self.chat.template_hash}

    def batching(self) -> Batching:
        return self._batching.copy()

    def control_tokens(self) -> list[str]:
        return self.loaded.special_tokens()

    def close(self) -> None:
        self.give_back()
        self.loaded.close()


class HfLoader(Loader):
    def load(self, spec: Spec) -> HfEngine:
        """Load the model on the best device there is, and find out how to batch it."""
        engine = HfEngine(_load.load(spec), spec)
        engine.settle_batching()
        return engine

    def memory_needed(self, spec: Spec) -> int:
        return _load.memory_needed(spec)

    def memory_total(self) -> int:
        return int(SHARE_OF_WEIGHTS * total_memory(best_device()))


ENGINE = HfLoader()
