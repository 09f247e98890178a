"""Feedback: one record a thumb on a model-written or imported turn, by `created_at`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypedDict

import orjson

from common.shapes import Message
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.snapshot import instant
from exports.sources.base import IMPORTED, Record, Source, at, in_order
from exports.sources.turns import TURN, TurnRecord, as_sampled, dialogue


class Opinion(TypedDict):
    """One that a later one replaced."""

    thumb_up: bool | None
    until: str


@dataclass(slots=True, kw_only=True)
class FeedbackRecord(Record):
    """A thumb and the turn that it is on."""

    user: int | None  # None of an imported one
    thumb_up: bool | None  # None: taken back, or none was given
    earlier: list[Opinion]  # oldest first
    given_at: str
    last_change: str | None  # of any turn up to the rated one
    turn: TurnRecord

    @property
    def messages_before(self) -> list[Message]:
        return self.turn.before

    @property
    def origin(self) -> str:
        return self.turn.kind

    @property
    def screened_as(self) -> str:
        return self.turn.id

    def label_at(self, at: str) -> bool | None:
        """The opinion that stood at `at`."""
        for opinion in self.earlier:
            if instant(dt.datetime.fromisoformat(opinion["until"])) > at:
                return opinion["thumb_up"]
        return self.thumb_up


_FROM = """
    labeling_turnfeedback f
    JOIN labeling_turn t ON t.id = f.turn_id JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE d.project_id = %(project)s AND t.role = 'assistant' AND f.created_at <= %(cutoff)s
"""
_ASSEMBLED = f"""
    SELECT json_build_object(
        'id', f.id, 'user', f.user_id, 'thumb_up', f.thumb_up, 'earlier', f.earlier,
        'given_at', {at("f.created_at")},
        'last_change', (SELECT {at("max(greatest(b.created_at, b.edited_at))")} FROM labeling_turn b
                        JOIN labeling_turn rated ON rated.id = f.turn_id
                        WHERE b.dialogue_id = rated.dialogue_id AND b.position <= rated.position),
        'turn', ({TURN} WHERE t.id = f.turn_id))
    FROM labeling_turnfeedback f WHERE f.id = ids.id
"""


class Feedback(Source[FeedbackRecord]):
    name = "feedback"
    counted = _FROM

    def query(self, options: Options) -> str:
        return in_order(f"SELECT f.id FROM {_FROM} ORDER BY f.created_at, f.id", _ASSEMBLED)

    def parse(self, text: str) -> FeedbackRecord:
        row = orjson.loads(text)
        turn = as_sampled(TurnRecord(**row.pop("turn")))
        return FeedbackRecord(
            **row, turn=turn, split=turn.split, source=turn.source, author=turn.author, dialogue=turn.dialogue,
            withdrawn=turn.withdrawn,
        )  # fmt: skip

    def standing(self, record: FeedbackRecord, at: Instant, selection: Selection) -> str:
        turn = record.turn
        if selection.withdrawn(record.given_at, None, record.user):
            return rules.WITHDRAWN
        if record.given_at > at.at:
            return rules.AFTER
        if record.label_at(at.at) is None:
            return "no thumb"
        if record.last_change and record.last_change > at.at:
            return rules.EDITED
        if reason := dialogue(turn, at.at, selection):
            return reason
        if selection.options.task_types and turn.kind not in {IMPORTED, *selection.options.task_types}:
            return "other task type"
        if turn.kind == IMPORTED:
            if not selection.mixed_in(turn.source):
                return rules.NOT_MIXED
        elif turn.completion_text is None:
            return "not written by a model"
        return rules.filtered(turn.round, turn.guideline, selection) or rules.whole(turn.before, turn.text, selection)

    def changed(self, record: FeedbackRecord, since: str, until: str) -> bool:
        return record.label_at(since) != record.label_at(until)


SOURCE = Feedback()
