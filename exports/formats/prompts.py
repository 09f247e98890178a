"""`prompts`: messages that end with the user's, for GRPO, RLOO, online DPO and PPO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from common.shapes import Message
from exports.formats.base import Context, Format, columns_of
from exports.sources import prompts
from exports.sources.prompts import PromptRecord


class PromptRow(TypedDict):
    id: str
    prompt: list[Message]
    dialogue_id: str | None
    language: str
    source: str


class Prompts(Format[PromptRecord, PromptRow]):
    source = prompts.SOURCE
    about = "Prompts to sample from: those of the pool, and what stood before each ranked turn."
    columns = columns_of(PromptRow)

    def rows(self, record: PromptRecord, context: Context) -> Iterator[PromptRow]:
        context.counts["prompts"] += 1
        yield {
            "id": record.id,
            "prompt": context.messages(record.messages),
            "dialogue_id": record.dialogue,
            "language": context.language,
            "source": record.source or record.where,
        }


FORMAT = Prompts()
