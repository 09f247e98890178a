"""What goes to an OpenAI-compatible server and what comes back: bodies, chunks, refusals. No connection here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

import httpx

from common.shapes import JsonLike, Message
from sampler.engines.base import Job
from sampler.params import Drawn
from sampler.text import storable

OPTIONAL = ("logprobs", "stream_options")  # left out where a server refuses them
SEEDS = 2**31  # servers take no larger seed


class Refused(Exception):
    """The server says no, and would again."""


class TooLong(Exception):
    """The prompt does not fit into the server's context."""


class Delta(TypedDict):
    content: NotRequired[str | None]


class Token(TypedDict):
    logprob: float


class Logprobs(TypedDict):
    content: NotRequired[list[Token] | None]


class Choice(TypedDict):
    index: NotRequired[int | None]
    delta: NotRequired[Delta | None]
    logprobs: NotRequired[Logprobs | None]
    finish_reason: NotRequired[str | None]


class Usage(TypedDict):
    prompt_tokens: NotRequired[int | None]
    completion_tokens: NotRequired[int | None]


class Chunk(TypedDict):
    """One event of a streamed chat completion, as far as it is read."""

    choices: NotRequired[list[Choice]]
    usage: NotRequired[Usage | None]
    error: NotRequired[object]


@dataclass
class Part:
    """One sample as it comes."""

    text: str = ""
    finish: str = ""
    logprob: float | None = None
    tokens: int | None = None
    seed: int | None = None


@dataclass
class Reply:
    """What came of a job so far."""

    parts: dict[int, Part] = field(default_factory=dict)
    prompt_tokens: int | None = None

    def part(self, index: int) -> Part:
        return self.parts.get(index, Part())

    def shown(self, indices: Sequence[int]) -> bool:
        """Whether any of these samples has text."""
        return any(self.part(index).text for index in indices)

    def take(self, chunk: Chunk, indices: Sequence[int], seed: int | None) -> list[tuple[int, str]]:
        """The new texts by sample. `indices` are those that were asked for in this request.

        Raises:
            Refused: the chunk is an error.
        """
        if "error" in chunk:
            raise Refused(str(chunk["error"]))
        texts = []
        for choice in chunk.get("choices", []):
            index = indices[min(choice.get("index") or 0, len(indices) - 1)]
            part = self.parts.setdefault(index, Part(seed=seed if len(indices) == 1 else None))
            if text := storable((choice.get("delta") or Delta()).get("content") or ""):
                part.text += text
                texts.append((index, text))
            for token in (choice.get("logprobs") or Logprobs()).get("content") or []:
                part.logprob = (part.logprob or 0.0) + token["logprob"]
                part.tokens = (part.tokens or 0) + 1
            if reason := choice.get("finish_reason"):
                part.finish = "length" if reason == "length" else "stop"
        if usage := chunk.get("usage"):
            self._count(usage, [index for index in indices if index in self.parts])
        return texts

    def _count(self, usage: Usage, seen: Sequence[int]) -> None:
        self.prompt_tokens = usage.get("prompt_tokens")
        if len(seen) == 1 and usage.get("completion_tokens") is not None:
            self.parts[seen[0]].tokens = usage["completion_tokens"]

    def drawn(self, n: int, *, cancelled: bool) -> tuple[Drawn, ...]:
        found = []
        for index in range(n):
            part = self.part(index)
            reason = part.finish or ("cancelled" if cancelled else "stop")
            found.append(
                Drawn(
                    index=index, text=part.text, finish_reason=reason, prompt_tokens=self.prompt_tokens,
                    completion_tokens=part.tokens, logprob=part.logprob, seed=part.seed,
                )
            )  # fmt: skip
        return tuple(found)


@dataclass
class Dialect:
    """What a server was found not to take, so that later requests do without."""

    leave_out: set[str] = field(default_factory=set)
    one_by_one: bool = False  # it ignores n
    no_system: bool = False  # its template refuses a system turn

    def body(
        self, *, model: str, job: Job, messages: list[Message], max_tokens: int, indices: Sequence[int]
    ) -> dict[str, JsonLike]:
        """A request for these samples of a job."""
        params = job.params
        body: dict[str, JsonLike] = {
            "model": model, "messages": [{**m} for m in messages], "stream": True, "temperature": params.temperature,
            "top_p": params.top_p, "max_tokens": max_tokens, "logprobs": True,
            "stream_options": {"include_usage": True},
        }  # fmt: skip
        if params.seed is not None:
            body["seed"] = (params.seed + indices[0]) % SEEDS
        if len(indices) > 1:
            body["n"] = len(indices)
        if params.stop:
            body["stop"] = list(params.stop)
        if params.top_k:
            body["top_k"] = params.top_k
        return {k: v for k, v in body.items() if k not in self.leave_out}

    def refusal(self, answer: httpx.Response, text: str) -> Exception:
        """What an answer other than 200 means. A ReadError means: learned from it, ask again."""
        status = answer.status_code
        if status >= 500 or status == 429:
            return httpx.HTTPStatusError(text, request=answer.request, response=answer)
        low = text.lower()
        if status in {400, 413, 422}:
            refused = [name for name in OPTIONAL if name in low and name not in self.leave_out]
            if refused:
                self.leave_out.update(refused)
                return httpx.ReadError(f"refuses {', '.join(refused)}")
            if "system role" in low and not self.no_system:
                self.no_system = True
                return TooLong()  # rendered anew
            if "context" in low or "too long" in low or "maximum length" in low:
                return TooLong()
        return Refused(f"answers with HTTP {status}: {text}")
