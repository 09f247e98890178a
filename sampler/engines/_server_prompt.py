"""A job's prompt as it goes to a model server, cut to the server's context, with a report of all that was done.

The server renders it by the model's own template; what it tells of that is taken into the report, and where it tells
nothing, the report says so and claims no hash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.shapes import Message
from generation import prompts
from generation.prompts import PromptReport
from sampler.dialects.base import Understood
from sampler.engines._raw import OpenTurn
from sampler.engines._request import Learned
from sampler.engines.base import Job, Spec

PER_TOKEN = 3  # characters: an estimate on the safe side, since the server's tokenizer is not here
NO_HASH = "none: the server renders the prompt and does not report its tokens"


def estimate(messages: Sequence[Message]) -> int:
    """Tokens of the messages, guessed from their length."""
    return sum(len(m["content"]) // PER_TOKEN + 6 for m in messages)


@dataclass
class Room:
    """How much fits into the server's context, as far as it is known."""

    limit: int | None
    ratio: float = 1.0  # its tokens for one of our estimate
    counted: str = "estimated"

    def count(self, messages: Sequence[Message]) -> int:
        return math.ceil(estimate(messages) * self.ratio)

    def after(self, refusal: Understood, report: PromptReport) -> Room:
        """Its numbers, where a refusal has any and they are new, else three tenths less than was sent."""
        tokens, first = report["tokens"], self.counted == "estimated"
        ratio = self.ratio * refusal.prompt / tokens if refusal.prompt and tokens else self.ratio
        if refusal.limit is not None and (first or ratio > self.ratio * 1.001):
            return Room(refusal.limit, max(0.05, ratio), "by the server's numbers")
        sent = tokens + report["max_tokens"]
        return Room(max(64, int(min(sent, self.limit or sent) * 0.7)), self.ratio, self.counted)


@dataclass
class ServerPrompt:
    """Messages for the chat endpoint, or a text for the completions endpoint."""

    messages: list[Message]
    report: PromptReport
    raw: OpenTurn | None = None
    stops: tuple[str, ...] = field(default=())

    def with_ids(self, ids: Sequence[int]) -> PromptReport:
        """The report, once the server has told which tokens it read."""
        self.report["prompt_ids_hash"] = prompts.ids_hash(ids)
        self.report["tokens"], self.report["counted"] = len(ids), "by the server"
        self.report.pop("unhashed", None)
        return self.report

    def opened(self, turn: OpenTurn) -> ServerPrompt:
        """The same prompt as text under the model's own template, open where the user speaks."""
        report = self.report.copy()
        report["way"], report["prompt_hash"] = "completions endpoint, open user header", prompts.text_hash(turn.text)
        report.pop("unhashed", None)
        return ServerPrompt(self.messages, report, turn, (turn.stop,))

    def swapped(self) -> ServerPrompt:
        """The same prompt with user and assistant exchanged, for the chat endpoint."""
        report = self.report.copy()
        report["way"] = "chat endpoint, swapped roles"
        messages = prompts.swap_roles(self.messages)
        report["messages_hash"] = prompts.messages_hash(messages)
        return ServerPrompt(messages, report)


def render(job: Job, spec: Spec, learned: Learned, room: Room) -> ServerPrompt:
    """The messages for the chat endpoint, cut to the room there is."""
    spoken = prompts.with_system(job.messages, spec.system_prompt, spec.system_turn)
    messages, report = prompts.fit(spoken, count=room.count, limit=room.limit, max_tokens=job.params.max_tokens)
    report["way"], report["writes"], report["counted"] = "chat endpoint", job.writes, room.counted
    whole, _ = _taken(spoken, learned)
    prompts.tell_system(report, spoken, merged=None if whole == spoken else whole)
    messages, merged = _taken(messages, learned)
    if learned.alternate:
        report["turns_merged"] = merged
    report["prompt_hash"], report["unhashed"] = "", NO_HASH
    report["messages_hash"] = prompts.messages_hash(messages)
    return ServerPrompt(messages, report)


def _taken(messages: list[Message], learned: Learned) -> tuple[list[Message], int]:
    """The messages in a form that the server's template takes, and how many turns went into their neighbours."""
    if learned.no_system:
        messages = prompts.without_system(messages)
    return prompts.in_turns(messages) if learned.alternate else (messages, 0)
