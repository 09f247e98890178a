"""What an engine is: jobs in, events out, one bounded step at a time. Imports no torch and no model of ours.

An engine is a file of this folder with `load(spec) -> Engine`. The worker calls `add` and `cancel`
from any thread and `step` from one; a step is as long as one decoding step of the batch, or a short
wait where there is nothing to do. Every job ends in exactly one of `Ended`, `Failed`, `Returned`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sampler.params import Drawn, SamplingParams

__all__ = ["CannotLoad", "Delta", "Drawn", "Ended", "Engine", "Event", "Failed", "Job", "Message", "Returned", "Room",
           "Spec", "Started", "TextStream"]  # fmt: skip

Message = dict[str, str]


class CannotLoad(Exception):
    """The model cannot be loaded; the message says why, to the operator."""


@dataclass(frozen=True)
class Spec:
    """A model version, as an engine needs to know it."""

    slug: str
    location: str = ""
    revision: str = ""
    remote_name: str = ""
    api_key_env: str = ""
    system_prompt: str = ""
    context_limit: int | None = None
    batching: dict[str, Any] = field(default_factory=dict)  # what an earlier load measured


@dataclass(frozen=True)
class Job:
    """n samples of one prompt."""

    id: UUID
    messages: Sequence[Message]
    params: SamplingParams
    writes: str = "assistant"
    interactive: bool = False


@dataclass(frozen=True)
class Room:
    """How many more samples an engine takes now."""

    interactive: int
    background: int
    running: int  # samples in work or waiting inside the engine


@dataclass(frozen=True)
class Started:
    job_id: UUID
    report: dict[str, Any]  # how the prompt was rendered


@dataclass(frozen=True)
class Delta:
    job_id: UUID
    index: int
    text: str
    tokens: int = 1


@dataclass(frozen=True)
class Ended:
    job_id: UUID
    drawn: tuple[Drawn, ...]
    cancelled: bool = False


@dataclass(frozen=True)
class Failed:
    """It failed by itself. `retry` False: another try would fail the same way."""

    job_id: UUID
    reason: str
    retry: bool = True


@dataclass(frozen=True)
class Returned:
    """It has to run again. `broken` says what went wrong for the whole batch; empty: nothing did."""

    job_id: UUID
    broken: str = ""


Event = Started | Delta | Ended | Failed | Returned


class Engine(Protocol):
    memory_bytes: int  # that unloading it gives back

    def add(self, job: Job) -> None: ...

    def cancel(self, job_id: UUID) -> None:
        """Stop it: it ends soon with the text so far, `cancelled`."""

    def room(self) -> Room: ...

    def step(self) -> list[Event]: ...

    def give_back(self) -> list[Event]:
        """Let go of every job, as `Returned`."""

    def provenance(self) -> dict[str, Any]:
        """weights_hash, template_hash, engine, versions, device, dtype: kept with each completion."""

    def batching(self) -> dict[str, Any]:
        """Way of batching, and why."""

    def close(self) -> None: ...


class TextStream:
    """Text of one sample as its tokens come: what may be shown now, and whether a stop string was met.

    Text that might still become a stop string, and bytes that are not yet a whole character, are held back.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        self.decode = decode
        self.stop = tuple(stop)
        self.ids: list[int] = []
        self.text = ""  # everything decided: shown or about to be
        self.shown = 0
        self._fixed = 0  # ids up to here are in `_base`
        self._base = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """Take one token; return the new text that may be shown."""
        self.ids.append(token)
        tail = self.decode(self.ids[self._context() :])
        head = self.decode(self.ids[self._context() : self._fixed])
        if tail.endswith("\ufffd"):
            return ""
        self._base += tail[len(head) :]
        self._fixed = len(self.ids)
        return self._decide(final=False)

    def _context(self) -> int:
        """Decoding starts some tokens earlier, since a token's text can depend on what stands before it."""
        return max(0, self._fixed - 4)

    def finish(self) -> str:
        """The text held back, once no more tokens come."""
        if self._fixed < len(self.ids) and not self.stopped:
            start = self._context()
            head = self.decode(self.ids[start : self._fixed])
            self._base += self.decode(self.ids[start:])[len(head) :].rstrip("\ufffd")
            self._fixed = len(self.ids)
        return self._decide(final=True)

    def _decide(self, *, final: bool) -> str:
        if self.stopped:
            return ""
        found = [at for s in self.stop if (at := self._base.find(s, max(0, self.shown - len(s)))) >= 0]
        if found:
            self.stopped = True
            upto = min(found)
        else:
            upto = len(self._base) if final else len(self._base) - self._held()
        new = self._base[self.shown : upto]
        self.shown = max(self.shown, upto)
        self.text = self._base[: self.shown]
        return new

    def _held(self) -> int:
        """Length of the longest ending that is the beginning of a stop string."""
        longest = 0
        for stop in self.stop:
            for size in range(min(len(stop) - 1, len(self._base)), longest, -1):
                if self._base.endswith(stop[:size]):
                    longest = size
                    break
        return longest
