"""`ratings`: thumbs on model-written turns, for KTO. `label` is a JSON boolean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from common.shapes import Message
from exports.formats.base import Context, Format, columns_of
from exports.sources import feedback
from exports.sources.feedback import FeedbackRecord


class Rating(TypedDict):
    id: str
    prompt: list[Message]
    completion: list[Message]
    label: bool
    dialogue_id: str | None
    turn_id: str
    annotator_id: str | None
    model: str | None
    created_at: str
    round: int | None
    language: str


class Ratings(Format[FeedbackRecord, Rating]):
    source = feedback.SOURCE
    about = "One row for each thumb on a model-written turn; `label` is true for thumbs up."
    columns = columns_of(Rating)

    def rows(self, record: FeedbackRecord, context: Context) -> Iterator[Rating]:
        turn = record.turn
        context.counts["ratings"] += 1
        yield {
            "id": record.id,
            "prompt": context.messages(turn.before),
            "completion": context.answer(turn.text),
            "label": bool(record.label_at(context.cutoff)),
            "dialogue_id": turn.dialogue,
            "turn_id": turn.id,
            "annotator_id": context.name(record.user),
            "model": context.model(turn.model_version, turn.label, turn.weights_hash),
            "created_at": record.given_at,
            "round": context.rounds.get(turn.round or ""),
            "language": context.language,
        }


FORMAT = Ratings()
