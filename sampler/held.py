"""The requests that a worker holds, and what its threads have in common."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common.shapes import JsonObject
from sampler.engines.base import PromptReport
from sampler.loaded_models import LoadedModel, LoadedModels
from sampler.output import ResultWriter, TokenPublisher
from sampler.params import SamplingParams


@dataclass
class Held:
    """A request that this worker holds, as one try of it."""

    request_id: UUID
    attempt: int
    model: LoadedModel
    live: bool  # somebody waits for its tokens
    alone: bool
    created_at: datetime
    started_at: datetime
    params: SamplingParams
    screening: JsonObject = field(default_factory=dict)  # empty: nobody's rules
    message: str = ""  # the last of the prompt
    report: PromptReport = field(default_factory=lambda: PromptReport())
    first_token_at: datetime | None = None


class HeldRequests:
    """By the id of their job in the engine."""

    def __init__(self) -> None:
        self._held: dict[UUID, Held] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, job_id: UUID, held: Held) -> None:
        with self._lock:
            self._held[job_id] = held

    def get(self, job_id: UUID) -> Held | None:
        return self._held.get(job_id)

    def drop(self, job_id: UUID) -> None:
        with self._lock:
            self._held.pop(job_id, None)

    def all(self) -> dict[UUID, Held]:
        with self._lock:
            return dict(self._held)

    def one_runs_alone(self, model: LoadedModel) -> bool:
        return any(held.alone for held in self.all().values() if held.model is model)


class WorkerState:
    """What the threads of one worker share."""

    def __init__(self, *, name: str, slugs: Sequence[str], memory_limit: int | None) -> None:
        self.name = name
        self.slugs = tuple(slugs)  # that it serves; empty for all
        self.stopping = threading.Event()  # claim nothing more
        self.stopped = threading.Event()  # nothing is decoded any more
        self.may_claim = threading.Event()  # rings for the feeder
        self.may_decode = threading.Event()  # rings for the decoding thread
        self.held = HeldRequests()
        self.models = LoadedModels(memory_limit=memory_limit, on_change=self.ring)
        self.writer = ResultWriter()
        self.publisher = TokenPublisher()

    def ring(self) -> None:
        """There may be something to do."""
        self.may_claim.set()
        self.may_decode.set()
