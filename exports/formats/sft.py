"""`sft`: one row an answer that a person wrote, edited or accepted, with everything before it as the
prompt, so that TRL's SFTTrainer puts the loss on just that answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from common.shapes import Message
from exports.formats.base import Context, Format, columns_of
from exports.sources import turns
from exports.sources.base import IMPORTED
from exports.sources.turns import TurnRecord


class Demonstration(TypedDict):
    id: str
    prompt: list[Message]
    completion: list[Message]
    prompt_id: str | None
    dialogue_id: str | None
    annotator_id: str | None
    source: str
    model: str | None
    finish_reason: str | None
    created_at: str | None
    round: int | None
    guideline_version: int | None
    language: str
    origin: str | None
    prompt_given: bool


class Sft(Format[TurnRecord, Demonstration]):
    source = turns.SOURCE
    about = "One row for each answer that a person wrote (`written`), edited, accepted, or that was imported."
    columns = columns_of(Demonstration)

    def rows(self, record: TurnRecord, context: Context) -> Iterator[Demonstration]:
        context.counts["sft"] += 1
        yield {
            "id": record.id,
            "prompt": context.messages(record.before),
            "completion": context.answer(record.text),
            "prompt_id": record.dialogue,
            "dialogue_id": record.dialogue,
            "annotator_id": context.name(record.author),
            "source": source_of(record),
            "model": context.model(record.model_version, record.label, record.weights_hash),
            "finish_reason": record.finish_reason if record.taken_verbatim else None,
            "created_at": record.submitted_at,
            "round": context.rounds.get(record.round or ""),
            "guideline_version": context.guidelines.get(record.guideline or ""),
            "language": context.language,
            "origin": record.source or None,
            "prompt_given": record.given,
        }


def source_of(record: TurnRecord) -> str:
    """written, edited, accepted or imported."""
    if record.kind == IMPORTED:
        return IMPORTED
    if record.completion_text is None:
        return "written"
    return "accepted" if record.taken_verbatim else "edited"


FORMAT = Sft()
