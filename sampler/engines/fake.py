"""Deterministic text at a settable speed, without torch: for tests, demonstrations and load trials.

The location holds settings as a query string, e.g. `delay=0.01&slots=8&tokens=12&fail=boom`:
delay (seconds per step), load (seconds), slots, reserve (slots kept for interactive work), tokens
(words per text), fail (a request whose prompt contains this word fails), crash (… breaks the whole
batch), kill (… ends the process), broken (loading fails with this reason), say (the text itself),
special (a control token of its tokenizer).
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from uuid import UUID

from generation import prompts
from generation.checkpoints import CannotLoad
from sampler.engines import base
from sampler.engines.base import Event, Job, Room, Spec
from sampler.params import Drawn

_TEXT = (
    "a answer because best but can clear could each even first for from good have how idea if in is it "
    "kind know like line look make many may more most much name need new no not of on one only or other "
    "part people place plan question reason right same see short so some step such take than that the "
    "then there they thing think this time to try two use way we well what when which who why with word "
    "work would yes you your"
)
WORDS = _TEXT.split()
VERSION = "1"


@dataclass
class _Sample:
    job: Job
    index: int
    words: list[str]
    seed: int
    stop_at_end: bool
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self.said)


class FakeEngine:
    memory_bytes = 1

    def __init__(self, spec: Spec, options: dict[str, str]) -> None:
        self.spec = spec
        self.options = options
        self.context_limit = spec.context_limit
        self.delay = float(options.get("delay", 0))
        self.slots = int(options.get("slots", 16))
        self.reserve = int(options.get("reserve", max(1, self.slots // 4)))
        self._waiting: deque[Job] = deque()
        self._cancelled: set[UUID] = set()
        self._running: list[_Sample] = []
        self._done: dict[UUID, list[Drawn]] = {}

    def add(self, job: Job) -> None:
        if job.interactive:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)

    def cancel(self, job_id: UUID) -> None:
        self._cancelled.add(job_id)

    def room(self) -> Room:
        running = len(self._running) + sum(job.params.n for job in list(self._waiting))
        return Room(max(0, self.slots - running), max(0, self.slots - self.reserve - running), running)

    def step(self) -> list[Event]:
        events: list[Event] = []
        while self._waiting and len(self._running) < self.slots:
            self._start(self._waiting.popleft(), events)
        if self.delay or not self._running:
            time.sleep(self.delay or 0.002)
        crash = self.options.get("crash")
        if crash and any(crash in m["content"] for s in self._running for m in s.job.messages):
            return [*events, *self._let_go(f"The batch broke: {crash}")]
        for sample in list(self._running):
            if sample.words and sample.job.id not in self._cancelled:
                word = sample.words.pop(0)
                events.append(base.Delta(sample.job.id, sample.index, word if not sample.said else f" {word}"))
                sample.said.append(word)
                stops = sample.job.params.stop
                if cut := [at for s in stops if (at := sample.text.find(s)) >= 0]:
                    sample.said, sample.words, sample.stop_at_end = [sample.text[: min(cut)]], [], True
            if not sample.words or sample.job.id in self._cancelled:
                self._end(sample, events)
        return events

    def _start(self, job: Job, events: list[Event]) -> None:
        text = " ".join(m["content"] for m in job.messages)
        if (kill := self.options.get("kill")) and kill in text:
            os._exit(137)
        if (bad := self.options.get("fail")) and bad in text:
            events.append(base.Failed(job.id, f"The prompt contains {bad!r}."))
            return
        messages, report = prompts.fit(
            prompts.with_system(job.messages, self.spec.system_prompt, self.spec.system_turn),
            count=lambda ms: sum(len(m["content"].split()) + 1 for m in ms),
            limit=self.spec.context_limit,
            max_tokens=job.params.max_tokens,
        )
        rendered = "\n".join(f"{m['role']}: {m['content']}" for m in messages)
        report["prompt_hash"] = hashlib.sha256(rendered.encode()).hexdigest()
        report["writes"], report["way"] = job.writes, "fake"
        prompts.tell_system(report, messages, merged=None)
        events.append(base.Started(job.id, report))
        self._done[job.id] = []
        self._running += self._samples(job, rendered, report["max_tokens"])

    def _samples(self, job: Job, rendered: str, max_tokens: int) -> Iterator[_Sample]:
        for index in range(job.params.n):
            seed = self._seed(job, index, rendered)
            rng = random.Random(seed)
            wanted = int(self.options.get("tokens", 0)) or rng.randint(6, 24)
            said = self.options.get("say")
            words = said.split() if said else [rng.choice(WORDS) for _ in range(wanted)]
            kept = words[: max(0, max_tokens)]
            yield _Sample(job, index, kept, seed, stop_at_end=len(kept) == len(words))

    def _seed(self, job: Job, index: int, rendered: str) -> int:
        base = job.params.seed if job.params.seed is not None else job.id
        greedy = job.params.temperature == 0
        text = f"{self.spec.slug}|{rendered}" if greedy else f"{self.spec.slug}|{base}|{index}|{rendered}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")

    def _end(self, sample: _Sample, events: list[Event]) -> None:
        self._running.remove(sample)
        job, cancelled = sample.job, sample.job.id in self._cancelled and bool(sample.words)
        reason = "cancelled" if cancelled else "stop" if sample.stop_at_end else "length"
        done = self._done[job.id]
        done.append(
            Drawn(
                index=sample.index,
                text=sample.text,
                finish_reason=reason,
                prompt_tokens=sum(len(m["content"].split()) + 1 for m in job.messages),
                completion_tokens=len(sample.said),
                logprob=-math.log(len(WORDS)) * len(sample.said),
                seed=sample.seed,
            )
        )
        if len(done) == job.params.n:
            del self._done[job.id]
            was_cancelled = job.id in self._cancelled
            self._cancelled.discard(job.id)
            events.append(base.Ended(job.id, tuple(sorted(done, key=lambda d: d.index)), was_cancelled))

    def give_back(self) -> list[Event]:
        return self._let_go("")

    def _let_go(self, broken: str) -> list[Event]:
        ids = dict.fromkeys([s.job.id for s in self._running] + [j.id for j in self._waiting])
        self._running, self._done = [], {}
        self._waiting.clear()
        self._cancelled.clear()
        return [base.Returned(job_id, broken) for job_id in ids]

    def provenance(self) -> base.Provenance:
        digest = hashlib.sha256(f"fake {VERSION} {self.spec.slug} {self.spec.location}".encode()).hexdigest()
        template = hashlib.sha256(b"role: text").hexdigest()
        return {"engine": "fake", "versions": {"fake": VERSION}, "weights_hash": digest, "template_hash": template,
                "device": "none", "dtype": "none"}  # fmt: skip

    def batching(self) -> base.Batching:
        return {"way": "fake", "why": "There is nothing to measure."}

    def control_tokens(self) -> list[str]:
        return [token] if (token := self.options.get("special", "")) else []

    def close(self) -> None:
        self._let_go("")


class FakeLoader(base.Loader):
    def load(self, spec: Spec) -> FakeEngine:
        """A fake engine with the settings in the location.

        Raises:
            CannotLoad: the settings say so (`broken=`), or cannot be read.
        """
        options = dict(parse_qsl(spec.location))
        if reason := options.get("broken"):
            raise CannotLoad(reason)
        time.sleep(float(options.get("load", 0)))
        try:
            return FakeEngine(spec, options)
        except ValueError as error:
            raise CannotLoad(f"The settings {spec.location!r} cannot be read: {error}.") from None


ENGINE = FakeLoader()
