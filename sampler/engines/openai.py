"""Any OpenAI-compatible server: vLLM, SGLang, `transformers serve`. The way out of one machine.

Requests run side by side on an event loop in a thread of its own and stream their tokens. A server
that does not answer is waited for with growing pauses; only the errors named here are tried again.
Redirects are not followed: the address is the one that an operator registered.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from sampler import prompts
from sampler.engines.base import (
    CannotLoad,
    Delta,
    Drawn,
    Ended,
    Event,
    Failed,
    Job,
    Message,
    Returned,
    Room,
    Spec,
    Started,
)

logger = logging.getLogger(__name__)
SLOTS, RESERVE = 64, 8
TIMEOUT = httpx.Timeout(120.0, connect=10.0, pool=None)
AWAY = (httpx.ConnectError, httpx.ConnectTimeout)
BROKEN_OFF = (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError)
BUSY = {429, 502, 503, 504}
OUTAGE = 300.0  # seconds that a request waits for a server which is away or busy
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
OPTIONAL = ("logprobs", "stream_options")  # left out where a server refuses them
PER_TOKEN = 3  # characters: an estimate on the safe side, since the server's tokenizer is not here


@dataclass
class _Part:
    """One sample as it comes."""

    text: str = ""
    finish: str = ""
    logprob: float | None = None
    tokens: int | None = None
    seed: int | None = None


@dataclass
class _Work:
    job: Job
    parts: dict[int, _Part] = field(default_factory=dict)
    prompt_tokens: int | None = None
    task: Any = None
    cancelled: bool = False


class _Refused(Exception):
    """The server says no, and would again."""


class _TooLong(Exception):
    """The prompt does not fit into the server's context."""


class OpenAIEngine:
    memory_bytes = 1

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.base = spec.location.rstrip("/")
        self.model = spec.remote_name or spec.slug
        self.outage = OUTAGE
        self.trouble = ""
        self.versions: dict[str, str] = {"httpx": httpx.__version__}
        self._leave_out: set[str] = set()
        self._one_by_one = False  # the server ignores n
        self._no_system = False  # its template refuses a system turn
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._work: dict[UUID, _Work] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"http {spec.slug}", daemon=True)
        self._thread.start()
        self._client = self._run(self._make_client())

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
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
        work = _Work(job)
        with self._lock:
            self._work[job.id] = work
        self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: _Work) -> None:
        work.task = self._loop.create_task(self._do(work))

    def cancel(self, job_id: UUID) -> None:
        with self._lock:
            work = self._work.get(job_id)
        if work is not None:
            work.cancelled = True
            self._loop.call_soon_threadsafe(_stop, work)

    def room(self) -> Room:
        with self._lock:
            running = sum(w.job.params.n for w in self._work.values())
        return Room(max(0, SLOTS + RESERVE - running), max(0, SLOTS - running), running)

    def step(self) -> list[Event]:
        events: list[Event] = []
        try:
            events.append(self._events.get(timeout=0.02))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    # One request

    async def _do(self, work: _Work) -> None:
        job = work.job
        try:
            await self._until_done(work)
        except asyncio.CancelledError:
            if not work.cancelled:  # given back
                return
        except _Refused as error:
            self._leave(work, Failed(job.id, str(error), retry=False))
            return
        except (*AWAY, *BROKEN_OFF, httpx.HTTPStatusError, TimeoutError) as error:
            self._leave(work, Failed(job.id, f"{self.base}: {type(error).__name__}: {error}"))
            return
        except Exception as error:
            logger.exception("%s: a request broke", self.spec.slug)
            self._leave(work, Failed(job.id, f"{type(error).__name__}: {error}"))
            return
        drawn = []
        for index in range(job.params.n):
            part = work.parts.get(index, _Part())
            reason = part.finish if part.finish in {"stop", "length"} else "cancelled" if work.cancelled else "stop"
            drawn.append(
                Drawn(
                    index=index, text=part.text, finish_reason=reason, prompt_tokens=work.prompt_tokens,
                    completion_tokens=part.tokens, logprob=part.logprob, seed=part.seed,
                )
            )  # fmt: skip
        self._leave(work, Ended(job.id, tuple(drawn), work.cancelled))

    def _leave(self, work: _Work, event: Event) -> None:
        with self._lock:
            self._work.pop(work.job.id, None)
        self._events.put(event)

    async def _until_done(self, work: _Work) -> None:
        """All samples, in as few requests as the server allows; a prompt that proves too long is cut."""
        limit = self.spec.context_limit
        for attempt in range(6):
            messages, report = self._render(work.job, limit)
            try:
                await self._samples(work, messages, report)
                return
            except _TooLong:
                if attempt == 5 or work.parts:
                    raise _Refused("The prompt does not fit into the server's context, however it is cut.") from None
                limit = max(64, int((report["tokens"] + report["max_tokens"]) * 0.7))

    async def _samples(self, work: _Work, messages: list[Message], report: dict[str, Any]) -> None:
        n = work.job.params.n
        self._events.put(Started(work.job.id, report))
        if n > 1 and not self._one_by_one:
            await self._patiently(work, messages, report, list(range(n)))
            missing = [i for i in range(n) if not work.parts.get(i, _Part()).finish]
            if missing:
                self._one_by_one = True
        else:
            missing = list(range(n))
        await asyncio.gather(*(self._patiently(work, messages, report, [i]) for i in missing))

    def _render(self, job: Job, limit: int | None) -> tuple[list[Message], dict[str, Any]]:
        messages = prompts.with_system(job.messages, self.spec.system_prompt)
        messages, report = prompts.fit(messages, count=estimate, limit=limit, max_tokens=job.params.max_tokens)
        way = "chat endpoint"
        if job.writes == "user":
            messages, way = prompts.swap_roles(messages), "chat endpoint, swapped roles"
        report["system"] = "explicit" if messages[0]["content"] else "empty"
        if self._no_system:
            messages = prompts.without_system(messages)
            report["system"] = "merged into the first user turn"
        digest = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        return messages, {**report, "way": way, "writes": job.writes, "prompt_hash": digest, "counted": "estimated"}

    async def _patiently(
        self, work: _Work, messages: list[Message], report: dict[str, Any], indices: Sequence[int]
    ) -> None:
        """One HTTP request, tried again while the server is away or busy and nothing of it was shown yet."""
        began, tries, broken = time.monotonic(), 0, 0
        while True:
            try:
                await self._stream(work, messages, report, indices)
                self.trouble = ""
                return
            except AWAY as error:
                self.trouble = f"{self.base} does not answer: {error}"
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
            except BROKEN_OFF as error:
                broken += 1
                if broken >= 3 or any(work.parts.get(i, _Part()).text for i in indices):
                    raise
                self.trouble = f"{self.base} broke off: {error}"
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
            except httpx.HTTPStatusError as error:
                status = error.response.status_code
                if status not in BUSY and broken >= 2:
                    raise
                broken += status not in BUSY
                self.trouble = f"{self.base} answers with HTTP {status}"
                wait = error.response.headers.get("retry-after", "")
                pause = min(30.0, float(wait)) if wait.isdecimal() else PAUSES[min(tries, len(PAUSES) - 1)]
            if time.monotonic() - began + pause > self.outage:
                raise TimeoutError(self.trouble)
            tries += 1
            await asyncio.sleep(pause)

    def _body(
        self, job: Job, messages: list[Message], report: dict[str, Any], indices: Sequence[int]
    ) -> dict[str, Any]:
        params = job.params
        body: dict[str, Any] = {
            "model": self.model, "messages": messages, "stream": True, "temperature": params.temperature,
            "top_p": params.top_p, "max_tokens": report["max_tokens"], "logprobs": True,
            "stream_options": {"include_usage": True},
        }  # fmt: skip
        if params.seed is not None:
            body["seed"] = (params.seed + indices[0]) % 2**31
        if len(indices) > 1:
            body["n"] = len(indices)
        if params.stop:
            body["stop"] = list(params.stop)
        if params.top_k:
            body["top_k"] = params.top_k
        return {k: v for k, v in body.items() if k not in self._leave_out}

    async def _stream(
        self, work: _Work, messages: list[Message], report: dict[str, Any], indices: Sequence[int]
    ) -> None:
        body = self._body(work.job, messages, report, indices)
        async with self._client.stream("POST", f"{self.base}/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                await self._judge(answer)
            async for line in answer.aiter_lines():
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data and data != "[DONE]":
                    self._take(work, json.loads(data), indices, body.get("seed"))

    async def _judge(self, answer: httpx.Response) -> None:
        """Raise what an answer other than 200 means."""
        text = (await answer.aread()).decode(errors="replace")[:500]
        if answer.status_code >= 500 or answer.status_code == 429:
            raise httpx.HTTPStatusError(text, request=answer.request, response=answer)
        low = text.lower()
        if answer.status_code in {400, 413, 422}:
            refused = [name for name in OPTIONAL if name in low and name not in self._leave_out]
            if refused:
                self._leave_out.update(refused)
                raise httpx.ReadError(f"refuses {', '.join(refused)}")
            if "system role" in low and not self._no_system:
                self._no_system = True
                raise _TooLong  # rendered anew
            if "context" in low or "too long" in low or "maximum length" in low:
                raise _TooLong
        raise _Refused(f"{self.base} answers with HTTP {answer.status_code}: {text}")

    def _take(self, work: _Work, chunk: dict[str, Any], indices: Sequence[int], seed: int | None) -> None:
        if "error" in chunk:
            raise _Refused(f"{self.base}: {chunk['error']}")
        for choice in chunk.get("choices", []):
            index = indices[min(choice.get("index") or 0, len(indices) - 1)]
            part = work.parts.setdefault(index, _Part(seed=seed if len(indices) == 1 else None))
            if text := prompts.storable((choice.get("delta") or {}).get("content") or ""):
                part.text += text
                self._events.put(Delta(work.job.id, index, text))
            for token in (choice.get("logprobs") or {}).get("content") or []:
                part.logprob = (part.logprob or 0.0) + token["logprob"]
                part.tokens = (part.tokens or 0) + 1
            if reason := choice.get("finish_reason"):
                part.finish = "length" if reason == "length" else "stop"
        if usage := chunk.get("usage"):
            work.prompt_tokens = usage.get("prompt_tokens")
            seen = [i for i in indices if i in work.parts]
            if len(seen) == 1 and usage.get("completion_tokens") is not None:
                work.parts[seen[0]].tokens = usage["completion_tokens"]

    # The rest of an engine

    def give_back(self) -> list[Event]:
        with self._lock:
            works, self._work = list(self._work.values()), {}
        for work in works:
            self._loop.call_soon_threadsafe(_stop, work)
        return [Returned(w.job.id) for w in works]

    def provenance(self) -> dict[str, Any]:
        return {"engine": "openai", "versions": self.versions, "weights_hash": "", "template_hash": "",
                "device": "remote", "dtype": "remote", "server": self.base, "model": self.model}  # fmt: skip

    def batching(self) -> dict[str, Any]:
        out = {"way": "remote", "rows": SLOTS, "why": "the server batches by itself"}
        return {**out, "trouble": self.trouble} if self.trouble else out

    def close(self) -> None:
        self.give_back()
        self._run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def _stop(work: _Work) -> None:
    """On the loop's own thread."""
    if work.task is not None:
        work.task.cancel()


def estimate(messages: Sequence[Message]) -> int:
    """Tokens of the messages, guessed from their length."""
    return sum(len(m["content"]) // PER_TOKEN + 6 for m in messages)


def load(spec: Spec) -> OpenAIEngine:
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
