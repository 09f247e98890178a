"""Any OpenAI-compatible server: vLLM, SGLang, llama.cpp, `transformers serve`. The way out of one machine.

Requests run side by side on an event loop in a thread of its own and stream their tokens. One job's talk with the
server is `_exchange.py`; how each kind of server is spoken to is `sampler/dialects`. Redirects are not followed: the
address is the one that an operator registered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import httpx

from generation.checkpoints import CannotLoad
from sampler import addresses
from sampler.dialects import DIALECTS
from sampler.engines import _probe as probe
from sampler.engines._exchange import Exchange, Refused
from sampler.engines._patience import OUTAGE, RETRIED
from sampler.engines._server import Server
from sampler.engines.base import (
    Batching,
    Ended,
    Event,
    Failed,
    Job,
    Loader,
    Provenance,
    Returned,
    Room,
    Spec,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")
TIMEOUT = httpx.Timeout(120.0, connect=10.0, pool=None)


@dataclass
class _Running:
    """A job, and its talk with the server."""

    exchange: Exchange
    task: asyncio.Task[None] | None = None
    cancelled: bool = False

    @property
    def job(self) -> Job:
        return self.exchange.job

    def stop(self) -> None:
        """On the loop's own thread."""
        if self.task is not None:
            self.task.cancel()


class OpenAIEngine:
    memory_bytes = 1

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.context_limit = spec.context_limit
        self.slots, self.reserve = spec.concurrency, max(1, spec.concurrency // 8)
        self.versions: dict[str, str] = {"httpx": httpx.__version__}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._jobs: dict[UUID, _Running] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"http {spec.slug}", daemon=True)
        self._thread.start()
        self.server = Server(
            spec=spec, base=spec.location.rstrip("/"), model=spec.remote_name or spec.slug,
            client=self._run(self._make_client()), table=DIALECTS.load("openai"), outage=OUTAGE, identify=self.greet,
        )  # fmt: skip

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _make_client(self) -> httpx.AsyncClient:
        most = self.slots + self.reserve
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
        return httpx.AsyncClient(headers=_headers(self.spec), timeout=TIMEOUT, limits=limits, follow_redirects=False)

    def greet(self) -> None:
        """Ask what the server is. One that is away is not an error: it may be starting.

        Raises:
            CannotLoad: it answers, and refuses us.
        """
        server = self.server
        with httpx.Client(headers=_headers(self.spec), timeout=probe.TIMEOUT) as client:
            try:
                found = probe.identify(probe.Server(server.base, server.model, client), self.spec.dialect)
            except probe.KeyRefused as refusal:
                raise CannotLoad(str(refusal)) from None
        server.trouble = found.get("trouble", "")
        if "dialect" not in found:
            logger.warning("%s: %s", self.spec.slug, server.trouble)
            return
        server.table, server.known = probe.table_for({**self.spec.capabilities, **found}), True
        names = found.get("models", [])
        if names and server.model not in names and not any(name.startswith(f"{server.model}@") for name in names):
            logger.warning("%s: the server lists %s, not %s", self.spec.slug, ", ".join(names[:5]), server.model)
        if version := found.get("version"):
            self.versions[server.table.name] = version

    # Called from any thread

    def add(self, job: Job) -> None:
        running = _Running(Exchange(job, self.server, self._events.put))
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
        return Room(max(0, self.slots + self.reserve - running), max(0, self.slots - running), running)

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
        try:
            await running.exchange.run()
        except asyncio.CancelledError:
            if not running.cancelled:  # given back
                return
        except Refused as error:
            self._fail(running, f"{self.server.base} {error}", retry=False)
            return
        except (*RETRIED, TimeoutError) as error:
            self._fail(running, f"{self.server.base}: {type(error).__name__}: {error}")
            return
        except Exception as error:
            logger.exception("%s: a request broke", self.spec.slug)
            self._fail(running, f"{type(error).__name__}: {error}")
            return
        used = self.server.table.record(running.exchange.params, self.server.learned.leave_out)
        drawn = running.exchange.reply.drawn(running.job.params.n, used, cancelled=running.cancelled)
        self._leave(running, Ended(running.job.id, drawn, running.cancelled))

    def _fail(self, running: _Running, reason: str, *, retry: bool = True) -> None:
        partial = running.exchange.reply.partial(running.job.params.n)
        self._leave(running, Failed(running.job.id, reason, retry, partial))

    def _leave(self, running: _Running, event: Event) -> None:
        with self._lock:
            self._jobs.pop(running.job.id, None)
        self._events.put(event)

    # The rest of an engine

    def give_back(self) -> list[Event]:
        with self._lock:
            jobs, self._jobs = list(self._jobs.values()), {}
        for running in jobs:
            self._loop.call_soon_threadsafe(running.stop)
        return [Returned(running.job.id) for running in jobs]

    def provenance(self) -> Provenance:
        server = self.server
        return {"engine": "openai", "versions": self.versions, "weights_hash": "", "template_hash": "",
                "device": "remote", "dtype": "remote", "server": server.base, "model": server.model,
                "dialect": server.table.name, "template_arguments": dict(self.spec.template_arguments),
                "extra_body": dict(self.spec.extra_body)}  # fmt: skip

    def batching(self) -> Batching:
        out = Batching(way="remote", rows=self.slots, why="the server batches by itself")
        return {**out, "trouble": self.server.trouble} if self.server.trouble else out

    def control_tokens(self) -> list[str]:
        told = self.spec.capabilities.get("control_tokens")
        return [str(token) for token in told] if isinstance(told, list) else []

    def close(self) -> None:
        self.give_back()
        self._run(self.server.client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def _headers(spec: Spec) -> dict[str, str]:
    return {"Authorization": f"Bearer {os.environ[spec.api_key_env]}"} if spec.api_key_env else {}


class OpenAILoader(Loader):
    def load(self, spec: Spec) -> OpenAIEngine:
        """Connect to the server.

        Raises:
            CannotLoad: the key's variable is not set, the address is refused, or the server refuses us.
        """
        with contextlib.suppress(addresses.Unknown):  # it may be starting
            try:
                addresses.check(spec.location)
            except addresses.Refused as refusal:
                raise CannotLoad(str(refusal)) from None
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
