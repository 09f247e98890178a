"""`sft`: one row an answer that a person wrote, edited or accepted, with everything before it as the
prompt, so that TRL's SFTTrainer puts the loss on just that answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.formats._shared import MESSAGES, Context
from exports.records import TurnRecord
from exports.rules import taken_verbatim

SOURCE = "turns"
ABOUT = "One row for each answer that a person wrote (`written`), edited, accepted, or that was imported."
COLUMNS = {
    "id": "token",
    "prompt": MESSAGES,
    "completion": MESSAGES,
    "prompt_id": "token",
    "dialogue_id": "token",
    "annotator_id": "token",
    "source": "name",
    "model": "name",
    "created_at": "token",
    "round": "int64",
    "guideline_version": "int64",
    "language": "name",
    "origin": "name",
}


def rows(record: TurnRecord, context: Context) -> Iterator[dict[str, Any]]:
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
        "created_at": record.submitted_at,
        "round": context.rounds.get(record.round or ""),
        "guideline_version": context.guidelines.get(record.guideline or ""),
        "language": context.language,
        "origin": record.source or None,
    }


def source_of(record: TurnRecord) -> str:
    """written, edited, accepted or imported."""
    if record.kind == "imported":
        return "imported"
    if record.completion_text is None:
        return "written"
    return "accepted" if taken_verbatim(record) else "edited"
