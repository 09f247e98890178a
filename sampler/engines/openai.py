"""Any OpenAI-compatible server: vLLM, SGLang, `transformers serve`. The way out of one machine.

Requests run side by side on an event loop in a thread of its own and stream their tokens. What is sent
and read is `_wire.py`; how long a server is waited for is `_patience.py`. Redirects are not followed: the
address is the one that an operator registered.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import queue
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import httpx
from httpx_sse import EventSource, SSEError

from common.shapes import Message
from generation import prompts
from generation.checkpoints import CannotLoad
from generation.prompts import PromptReport
from sampler.engines._patience import OUTAGE, RETRIED, Patience
from sampler.engines._wire import Chunk, Dialect, Refused, Reply, TooLong
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
T = TypeVar("T")
SLOTS, RESERVE = 64, 8
TIMEOUT = httpx.Timeout(120.0, connect=10.0, pool=None)
PER_TOKEN = 3  # characters: an estimate on the safe side, since the server's tokenizer is not here
CUTS = 5  # times that a prompt which proves too long is cut further


@dataclass
class _Running:
    """A job, and what came of it so far."""

    job: Job
    reply: Reply = field(default_factory=Reply)
    task: asyncio.Task[None] | None = None
    cancelled: bool = False

    def stop(self) -> None:
        """On the loop's own thread."""
        if self.task is not None:
            self.task.cancel()


@dataclass(frozen=True)
class _Prompt:
    messages: list[Message]
    report: PromptReport


class OpenAIEngine:
    memory_bytes = 1

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.base = spec.location.rstrip("/")
        self.model = spec.remote_name or spec.slug
        self.outage = OUTAGE
        self.trouble = ""
        self.versions: dict[str, str] = {"httpx": httpx.__version__}
        self.dialect = Dialect()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._jobs: dict[UUID, _Running] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"http {spec.slug}", daemon=True)
        self._thread.start()
        self._client = self._run(self._make_client())

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _make_client(self) -> httpx.AsyncClient:
        headers = {}
        if self.spec.api_key_env:
            headers["Authorization"] = f"Bearer {os.environ[self.spec.api_key_env]}"
        limits = httpx.Limits(max_connections=SLOTS + RESERVE)
        return httpx.AsyncClient(headers=headers, timeout=TIMEOUT, limits=limits, follow_redirects=False)

    def greet(self) -> None:
        """Ask what the server serves. One that is away is not an error: it may be starting.

        Raises:
            CannotLoad: it answers, and refuses us or does not know the model.
        """
        try:
            answer = self._run(self._client.get(f"{self.base}/models"))
        except httpx.TransportError as error:
            self.trouble = f"{self.base} does not answer: {error}"
            logger.warning("%s: %s", self.spec.slug, self.trouble)
            return
        if answer.status_code in {401, 403}:
            raise CannotLoad(f"{self.base} refuses the key (HTTP {answer.status_code}).")
        if answer.status_code == 200:
            names = [str(m.get("id")) for m in answer.json().get("data", []) if isinstance(m, dict)]
            if names and self.model not in names and not any(n.startswith(f"{self.model}@") for n in names):
                logger.warning("%s: the server lists %s, not %s", self.spec.slug, ", ".join(names[:5]), self.model)
        if server := answer.headers.get("server"):
            self.versions["server"] = server

    # Called from any thread

    def add(self, job: Job) -> None:
        running = _Running(job)
        with self._lock:
            self._jobs[job.id] = running
        self._loop.call_soon_threadsafe(self._begin, running)

    def _begin(self, running: _Running) -> None:
        running.task = self._loop.create_task(self._do(running))

    def cancel(self, job_id: UUID) -> None:
        with self._lock:
            running = self._jobs.get(job_id)
        if running is not None:
            running.cancelled = True
            self._loop.call_soon_threadsafe(running.stop)

    def room(self) -> Room:
        with self._lock:
            running = sum(r.job.params.n for r in self._jobs.values())
        return Room(max(0, SLOTS + RESERVE - running), max(0, SLOTS - running), running)

    def step(self) -> list[Event]:
        events: list[Event] = []
        try:
            events.append(self._events.get(timeout=0.02))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    # One job

    async def _do(self, running: _Running) -> None:
        job = running.job
        try:
            await self._until_done(running)
        except asyncio.CancelledError:
            if not running.cancelled:  # given back
                return
        except Refused as error:
            self._leave(running, Failed(job.id, f"{self.base}: {error}", retry=False))
            return
        except (*RETRIED, TimeoutError) as error:
            self._leave(running, Failed(job.id, f"{self.base}: {type(error).__name__}: {error}"))
            return
        except Exception as error:
            logger.exception("%s: a request broke", self.spec.slug)
            self._leave(running, Failed(job.id, f"{type(error).__name__}: {error}"))
            return
        drawn = running.reply.drawn(job.params.n, cancelled=running.cancelled)
        self._leave(running, Ended(job.id, drawn, running.cancelled))

    def _leave(self, running: _Running, event: Event) -> None:
        with self._lock:
            self._jobs.pop(running.job.id, None)
        self._events.put(event)

    async def _until_done(self, running: _Running) -> None:
        """All samples, in as few requests as the server allows; a prompt that proves too long is cut."""
        limit = self.spec.context_limit
        for attempt in range(CUTS + 1):
            prompt = self._render(running.job, limit)
            try:
                await self._samples(running, prompt)
                return
            except TooLong:
                if attempt == CUTS or running.reply.parts:
                    raise Refused("The prompt does not fit into the server's context, however it is cut.") from None
                limit = max(64, int((prompt.report["tokens"] + prompt.report["max_tokens"]) * 0.7))

    async def _samples(self, running: _Running, prompt: _Prompt) -> None:
        n = running.job.params.n
        self._events.put(Started(running.job.id, prompt.report))
        if n > 1 and not self.dialect.one_by_one:
            await self._patiently(running, prompt, list(range(n)))
            missing = [i for i in range(n) if not running.reply.part(i).finish]
            if missing:
                self.dialect.one_by_one = True
        else:
            missing = list(range(n))
        await asyncio.gather(*(self._patiently(running, prompt, [i]) for i in missing))

    def _render(self, job: Job, limit: int | None) -> _Prompt:
        messages = prompts.with_system(job.messages, self.spec.system_prompt)
        messages, report = prompts.fit(messages, count=estimate, limit=limit, max_tokens=job.params.max_tokens)
        report["way"], report["writes"], report["counted"] = "chat endpoint", job.writes, "estimated"
        if job.writes == "user":
            messages, report["way"] = prompts.swap_roles(messages), "chat endpoint, swapped roles"
        report["system"] = "explicit" if messages[0]["content"] else "empty"
        if self.dialect.no_system:
            messages = prompts.without_system(messages)
            report["system"] = "merged into the first user turn"
        report["prompt_hash"] = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        return _Prompt(messages, report)

    async def _patiently(self, running: _Running, prompt: _Prompt, indices: Sequence[int]) -> None:
        """One HTTP request, tried again while the server is away or busy and nothing of it was shown yet."""
        patience = Patience(self.base, self.outage)
        while True:
            try:
                await self._stream(running, prompt, indices)
                self.trouble = ""
                return
            except RETRIED as error:
                pause = patience.pause(error, shown=running.reply.shown(indices))
                self.trouble = patience.trouble
            await asyncio.sleep(pause)

    async def _stream(self, running: _Running, prompt: _Prompt, indices: Sequence[int]) -> None:
        job = running.job
        max_tokens = prompt.report["max_tokens"]
        body = self.dialect.body(
            model=self.model, job=job, messages=prompt.messages, max_tokens=max_tokens, indices=indices
        )
        seed = body.get("seed")
        async with self._client.stream("POST", f"{self.base}/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                raise self.dialect.refusal(answer, (await answer.aread()).decode(errors="replace")[:500])
            try:
                async for event in EventSource(answer).aiter_sse():
                    if event.data and event.data != "[DONE]":
                        chunk: Chunk = json.loads(event.data)
                        for index, text in running.reply.take(chunk, indices, seed if isinstance(seed, int) else None):
                            self._events.put(Delta(job.id, index, text))
            except SSEError as error:
                raise Refused(f"It does not stream: {error}") from None

    # The rest of an engine

    def give_back(self) -> list[Event]:
        with self._lock:
            jobs, self._jobs = list(self._jobs.values()), {}
        for running in jobs:
            self._loop.call_soon_threadsafe(running.stop)
        return [Returned(running.job.id) for running in jobs]

    def provenance(self) -> Provenance:
        return {"engine": "openai", "versions": self.versions, "weights_hash": "", "template_hash": "",
                "device": "remote", "dtype": "remote", "server": self.base, "model": self.model}  # fmt: skip

    def batching(self) -> Batching:
        out = Batching(way="remote", rows=SLOTS, why="the server batches by itself")
        return {**out, "trouble": self.trouble} if self.trouble else out

    def close(self) -> None:
        self.give_back()
        self._run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def estimate(messages: Sequence[Message]) -> int:
    """Tokens of the messages, guessed from their length."""
    return sum(len(m["content"]) // PER_TOKEN + 6 for m in messages)


class OpenAILoader(Loader):
    def load(self, spec: Spec) -> OpenAIEngine:
        """Connect to the server.

        Raises:
            CannotLoad: the key's variable is not set, or the server refuses us.
        """
        if spec.api_key_env and not os.environ.get(spec.api_key_env):
            raise CannotLoad(f"The environment variable {spec.api_key_env} that should hold the key is not set here.")
        engine = OpenAIEngine(spec)
        try:
            engine.greet()
        except CannotLoad:
            engine.close()
            raise
        return engine


ENGINE = OpenAILoader()
