"""What the hf engine keeps of a job and of each of its samples while they are in work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from transformers.cache_utils import DynamicCache

from generation.rendering import Rendered
from generation.text_stream import TextStream
from sampler.engines.base import Delta, Job
from sampler.params import SEEDS, Drawn

Decode = Callable[[list[int]], str]


@dataclass(eq=False)
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

    @property
    def penalised(self) -> bool:
        """Whether it is drawn by other logits than the model's own."""
        params = self.entry.job.params
        return bool(
            params.repetition_penalty != 1 or params.presence_penalty or params.frequency_penalty or params.logit_bias
        )

    def take(self, token: int, logprob: float, ends: frozenset[int]) -> tuple[str, str]:
        """Note one new token: the text that may be shown now, and why the sample ends here, empty if it goes on."""
        self.ids.append(token)
        self.logprob += logprob
        text = ""
        if token in ends:
            return text, "stop"
        if self.stream is not None:
            text = self.stream.push(token)
            if self.stream.stopped:
                return text, "stop"
        return text, "length" if self.count >= self.limit else ""

    def finish(self, reason: str, decode: Decode) -> tuple[Drawn, Delta | None]:
        """The whole sample, and what of its text was not shown yet."""
        job_id = self.entry.job.id
        if self.stream is None:
            text = decode(self.ids)
            rest: Delta | None = Delta(job_id, self.index, text, self.count - 1)
        else:
            held_back = self.stream.finish()
            rest = Delta(job_id, self.index, held_back, 0) if held_back and not self.stream.stopped else None
            text = self.stream.text
            reason = "stop" if self.stream.stopped else reason
        drawn = Drawn(
            index=self.index, text=text, finish_reason=reason, completion_tokens=self.count, logprob=self.logprob,
            prompt_tokens=len(self.entry.prompt.ids) if self.entry.prompt else None, seed=self.seed,
        )  # fmt: skip
        return drawn, rest


@dataclass(eq=False)
class Entry:
    """A job inside the engine: samples that wait for a row, and those that are done."""

    job: Job
    prompt: Rendered | None = None
    waiting: list[Row] = field(default_factory=list)
    past: DynamicCache | None = None  # the prompt's keys and values, as far as they are read
    done_ids: int = 0  # tokens of the prompt that are read
    logits: torch.Tensor | None = None
    drawn: list[Drawn] = field(default_factory=list)
    cancelled: bool = False

    def take_prompt(self, prompt: Rendered, decode: Decode) -> None:
        """The prompt is rendered: each sample gets its seed, its limit and what ends it."""
        job = self.job
        self.prompt = prompt
        stops = (*job.params.stop, *prompt.stops)
        seed, limit = job.params.seed or 0, int(prompt.report["max_tokens"])
        self.waiting = [
            Row(
                self, index, (seed + index) % SEEDS, limit,
                TextStream(decode, stops) if job.interactive or stops else None,
            )
            for index in range(job.params.n)
        ]  # fmt: skip

    def unread(self) -> None:
        """Forget what was read of the prompt; it is read again when a row is free."""
        self.past, self.logits, self.done_ids = None, None, 0
