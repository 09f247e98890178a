"""What the hf engine keeps of a job and of each of its samples while they are in work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from generation.batch import PromptCache, RollingBatch
from generation.rendering import Rendered
from generation.text_stream import TextStream
from sampler.engines.base import Delta, Job
from sampler.params import SEEDS, Drawn

Decode = Callable[[list[int]], str]


class Thinking(NamedTuple):
    """The tokens with which a reasoning model opens and closes what it says before it answers."""

    opens: int
    closes: int

    def open_at_the_end_of(self, ids: Sequence[int]) -> bool:
        """Whether a prompt ends inside: some templates open it themselves, and close it where thinking is off."""
        last = next((token for token in reversed(ids) if token in self), None)
        return last == self.opens


@dataclass(eq=False)
class Row:
    """One sample in work."""

    entry: Entry
    index: int
    seed: int
    limit: int
    stream: TextStream | None  # None: nobody waits for its text and no string stops it
    thinks: Thinking | None = None  # the tokens between which the model reasons, if it does
    ids: list[int] = field(default_factory=list)
    reasoned: list[int] = field(default_factory=list)  # those of `ids` that are reasoning
    marks: int = 0  # how many of `ids` open or close it
    reasoning: bool = False  # whether the next token is
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
        if self.thinks is not None and token in self.thinks:
            self.reasoning = token == self.thinks.opens
            self.marks += 1
        elif self.reasoning:
            self.reasoned.append(token)
        elif self.stream is not None:
            text = self.stream.push(token)
            if self.stream.stopped:
                return text, "stop"
        return text, "length" if self._full else ""

    @property
    def _full(self) -> bool:
        """Whether a limit is reached: of the answer, of the reasoning, or of both where that has none of its own."""
        apart = self.entry.job.params.max_reasoning_tokens
        if not apart or self.thinks is None:
            return self.count >= self.limit
        return len(self.reasoned) >= apart if self.reasoning else self.answered >= self.limit

    @property
    def most(self) -> int:
        """Tokens that it may take, reasoning included."""
        return self.limit + (self.entry.job.params.max_reasoning_tokens if self.thinks else 0)

    @property
    def answered(self) -> int:
        """Tokens of the answer, without reasoning and its marks."""
        return self.count - len(self.reasoned) - self.marks

    def finish(self, reason: str, decode: Decode) -> tuple[Drawn, Delta | None]:
        """The whole sample, and what of its text was not shown yet."""
        job_id = self.entry.job.id
        if self.stream is None:
            text = decode(self.ids)  # such a row never reasons
            rest: Delta | None = Delta(job_id, self.index, text, self.count - 1)
        else:
            held_back = self.stream.finish()
            rest = Delta(job_id, self.index, held_back, 0) if held_back and not self.stream.stopped else None
            text = self.stream.text
            reason = "stop" if self.stream.stopped else reason
        if self.reasoned and not text.strip() and reason != "cancelled":
            reason = "reasoning"
        drawn = Drawn(
            index=self.index, text=text, finish_reason=reason, completion_tokens=self.answered, logprob=self.logprob,
            prompt_tokens=len(self.entry.prompt.ids) if self.entry.prompt else None, seed=self.seed,
            reasoning=decode(self.reasoned).strip() if self.reasoned else "",
            reasoning_tokens=len(self.reasoned) if self.marks or self.reasoned else None,
        )  # fmt: skip
        return drawn, rest


@dataclass(eq=False)
class Entry:
    """A job inside the engine: samples that wait for a row, and those that are done."""

    job: Job
    prompt: Rendered | None = None
    waiting: list[Row] = field(default_factory=list)
    past: PromptCache | None = None  # the prompt's keys and values, as far as they are read
    done_ids: int = 0  # tokens of the prompt that are read
    logits: torch.Tensor | None = None
    drawn: list[Drawn] = field(default_factory=list)
    cancelled: bool = False

    def take_prompt(self, prompt: Rendered, decode: Decode, thinks: Thinking | None = None) -> None:
        """The prompt is rendered: each sample gets its seed, its limit and what ends it."""
        job = self.job
        self.prompt = prompt
        stops = (*job.params.stop, *prompt.stops)
        seed, limit = job.params.seed or 0, int(prompt.report["max_tokens"])
        self.waiting = [
            Row(
                self, index, (seed + index) % SEEDS, limit,
                TextStream(decode, stops) if job.interactive or stops or thinks else None,
                thinks, reasoning=thinks is not None and thinks.open_at_the_end_of(prompt.ids),
            )
            for index in range(job.params.n)
        ]  # fmt: skip

    @property
    def ids(self) -> list[int]:
        """Tokens of the prompt, once it is rendered."""
        assert self.prompt is not None
        return self.prompt.ids

    @property
    def length(self) -> int:
        return len(self.ids)

    def read_on(self, batch: RollingBatch, most: int) -> int:
        """Read so many tokens more of the prompt (and, for a sample that was pushed out, of what it had said)."""
        ids = self.ids + self.waiting[0].ids
        chunk = ids[self.done_ids : self.done_ids + most]
        logits, self.past = batch.prefill(chunk, self.past)
        self.done_ids += len(chunk)
        if self.done_ids == len(ids):
            self.logits = logits
        return len(chunk)

    @property
    def partly_read(self) -> bool:
        return self.past is not None and self.logits is None

    @property
    def characters(self) -> int:
        """Of the prompt, before it is rendered."""
        return sum(len(message["content"]) for message in self.job.messages)

    @property
    def fresh(self) -> bool:
        """Whether nothing of the prompt is read and no sample has begun."""
        return self.past is None and not any(row.ids for row in self.waiting)

    def unread(self) -> None:
        """Forget what was read of the prompt; it is read again when a row is free."""
        self.past, self.logits, self.done_ids = None, None, 0
