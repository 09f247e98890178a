"""What an engine is: jobs in, events out, one bounded step at a time. Imports no torch and no model of ours.

An engine is a file of this folder with an `ENGINE`, the `Loader` of its kind. The worker calls `add`
and `cancel` from any thread and `step` from one; a step is as long as one decoding step of the batch, or
a short wait where there is nothing to do. Every job ends in exactly one of `Ended`, `Failed`, `Returned`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NotRequired, Protocol, TypedDict
from uuid import UUID

from common.plugins import Folder
from common.shapes import Json, Message
from generation.checkpoints import CannotLoad as CannotLoad
from generation.prompts import PromptReport as PromptReport
from sampler.params import Drawn, SamplingParams


class Batching(TypedDict, total=False):
    """How an engine puts samples together, and why; stored with the model version."""

    way: str
    why: str
    rows: int  # for background samples
    decoding: str  # captured: steps are CUDA graphs; plain: they are not
    tokens_per_second: dict[str, float]  # by way
    step_seconds: dict[str, float]  # by number of rows
    measured_on: str  # the kind of machine that the figures hold for
    measured_in: float  # seconds
    trouble: str  # what a remote server does not do at the moment


class Provenance(TypedDict):
    """Where texts come from: kept with each completion."""

    engine: str
    versions: dict[str, str]  # of libraries
    weights_hash: str
    template_hash: str
    device: str
    dtype: str
    server: NotRequired[str]  # of a remote model, and its name there
    model: NotRequired[str]
    dialect: NotRequired[str]
    template_arguments: NotRequired[dict[str, Json]]
    extra_body: NotRequired[dict[str, Json]]


@dataclass(frozen=True)
class Spec:
    """A model version, as an engine needs to know it."""

    slug: str
    location: str = ""
    revision: str = ""
    remote_name: str = ""
    api_key_env: str = ""
    system_prompt: str = ""
    system_turn: str = "text"  # whose the system turn is, where a dialogue has none: text, none or template
    context_limit: int | None = None
    dialect: str = ""  # of a model server; empty: it is asked
    concurrency: int = 256  # samples at a model server at once
    template_arguments: Mapping[str, Json] = field(default_factory=dict)
    extra_body: Mapping[str, Json] = field(default_factory=dict)
    capabilities: Mapping[str, object] = field(default_factory=dict)  # what a probe of the server found
    batching: Batching = field(default_factory=lambda: Batching())  # what an earlier load measured


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
    report: PromptReport  # how the prompt was rendered


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
    """It failed by itself. `retry` False: another try would fail the same way. `reason` is for operators only."""

    job_id: UUID
    reason: str
    retry: bool = True
    partial: tuple[str, ...] = ()  # texts that never ended, by sample


@dataclass(frozen=True)
class Returned:
    """It has to run again. `broken` says what went wrong for the whole batch; empty: nothing did."""

    job_id: UUID
    broken: str = ""


Event = Started | Delta | Ended | Failed | Returned


class Engine(Protocol):
    memory_bytes: int  # that unloading it gives back
    context_limit: int | None  # tokens of a prompt and its answer, where it is known here

    def add(self, job: Job) -> None: ...

    def cancel(self, job_id: UUID) -> None:
        """Stop it: it ends soon with the text so far, `cancelled`."""

    def room(self) -> Room: ...

    def step(self) -> list[Event]: ...

    def give_back(self) -> list[Event]:
        """Let go of every job, as `Returned`."""

    def provenance(self) -> Provenance: ...

    def batching(self) -> Batching: ...

    def control_tokens(self) -> list[str]:
        """The special tokens of its tokenizer; none where nobody can know them here."""

    def close(self) -> None: ...


class Loader(Protocol):
    """How a model version gets into this process."""

    def load(self, spec: Spec) -> Engine:
        """The engine, ready for jobs.

        Raises:
            CannotLoad: why, for the operator.
        """

    def memory_needed(self, spec: Spec) -> int:
        """Bytes that loading will take; 0 where nobody can know."""
        return 1

    def memory_total(self) -> int:
        """Bytes that weights may take on this device, the rest being for keys and values."""
        return sys.maxsize


ENGINES: Folder[Loader] = Folder("sampler.engines", "ENGINE")
