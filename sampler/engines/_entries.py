"""What the hf engine keeps of a job and of each of its samples while they are in work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from sampler.engines._chat import Rendered
from sampler.engines.base import Drawn, Job, TextStream


@dataclass
class Row:
    """One sample in work."""

    entry: Entry
    index: int
    seed: int
    limit: int
    stream: TextStream | None  # None: nobody waits for its text and no string stops it
    ids: list[int] = field(default_factory=list)
    logprob: float = 0.0
    started: bool = False

    @property
    def count(self) -> int:
        return len(self.ids)


@dataclass
class Entry:
    """A job inside the engine: samples that wait for a row, and those that are done."""

    job: Job
    prompt: Rendered | None = None
    waiting: list[Row] = field(default_factory=list)
    past: Any = None  # the prompt's keys and values, as far as they are read
    done_ids: int = 0
    logits: torch.Tensor | None = None
    drawn: list[Drawn] = field(default_factory=list)
    cancelled: bool = False
