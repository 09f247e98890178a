"""`ratings`: thumbs on model-written turns, for KTO. `label` is a JSON boolean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.formats._shared import MESSAGES, Context
from exports.records import FeedbackRecord

SOURCE = "feedback"
ABOUT = "One row for each thumb on a model-written turn; `label` is true for thumbs up."
COLUMNS = {
    "id": "token",
    "prompt": MESSAGES,
    "completion": MESSAGES,
    "label": "bool",
    "dialogue_id": "token",
    "turn_id": "token",
    "annotator_id": "token",
    "model": "name",
    "created_at": "token",
    "round": "int64",
    "language": "name",
}


def rows(record: FeedbackRecord, context: Context) -> Iterator[dict[str, Any]]:
    turn = record.turn
    context.counts["ratings"] += 1
    yield {
        "id": record.id,
        "prompt": context.messages(turn.before),
        "completion": context.answer(turn.text),
        "label": record.label_at(context.cutoff),
        "dialogue_id": turn.dialogue,
        "turn_id": turn.id,
        "annotator_id": context.name(record.user),
        "model": context.model(turn.model_version, turn.label, turn.weights_hash),
        "created_at": record.given_at,
        "round": context.rounds.get(turn.round or ""),
        "language": context.language,
    }
