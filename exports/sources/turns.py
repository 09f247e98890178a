"""Turns: assistant turns of demonstrations and imported dialogues that are examples, by their dialogue's
`submitted_at`."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from common.shapes import JsonObject, Message
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.sources.base import IMPORTED, Record, Source, at, in_order, report_of
from exports.sources.rankings import CUT
from sampler.as_read import SystemTurn, as_read, as_served


@dataclass(slots=True, kw_only=True)
class TurnRecord(Record):
    """One assistant turn of a dialogue with what stood before it."""

    kind: str
    state: str
    submitted_at: str | None
    undone_at: str | None
    superseded_at: str | None
    reviews: list[rules.Decided] | None  # oldest first
    guideline: str | None
    round: str | None
    text: str
    completion_text: str | None
    model_version: str | None
    label: str | None
    weights_hash: str | None
    finish_reason: str | None
    report: JsonObject | None
    served: SystemTurn | None
    given: bool
    before: list[Message]

    @property
    def messages_before(self) -> list[Message]:
        return self.before

    @property
    def origin(self) -> str:
        return self.kind

    @property
    def taken_verbatim(self) -> bool:
        return self.completion_text is not None and self.completion_text.strip() == self.text.strip()


_FROM = """
    labeling_turn t JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE d.project_id = %(project)s AND t.role = 'assistant' AND d.kind IN ('demonstration', 'imported')
      AND t.is_example AND d.submitted_at <= %(cutoff)s
"""
# Of a turn `t` of a dialogue `d`.
TURN = f"""
    SELECT json_build_object(
        'id', t.id, 'dialogue', d.id, 'author', d.author_id, 'kind', d.kind, 'state', d.state,
        'submitted_at', {at("d.submitted_at")}, 'undone_at', {at("d.undone_at")},
        'superseded_at', (SELECT {at("s.submitted_at")} FROM labeling_dialogue s
                          WHERE s.supersedes_id = d.id AND s.submitted_at <= %(cutoff)s),
        'reviews', (SELECT json_agg(json_build_array({at("v.created_at")}, v.decision, {at("v.undone_at")})
                                    ORDER BY v.created_at, v.id)
                    FROM labeling_review v WHERE v.dialogue_id = d.id AND v.created_at <= %(cutoff)s),
        'withdrawn', d.withdrawn_at IS NOT NULL,
        'guideline', d.guideline_version_id, 'round', d.round_id, 'split', d.split, 'source', d.source,
        'text', t.text, 'completion_text', x.text, 'model_version', x.model_version_id, 'label', x.model_label,
        'weights_hash', x.provenance->'weights_hash', 'finish_reason', x.finish_reason, 'report', {report_of("x")},
        'served', d.system_turn, 'given', d.given_turns > 0,
        'before', coalesce((
            SELECT json_agg(json_build_object('role', b.role, 'content', b.text) ORDER BY b.position)
            FROM labeling_turn b WHERE b.dialogue_id = t.dialogue_id AND b.position < t.position), '[]'))
    FROM labeling_turn t JOIN labeling_dialogue d ON d.id = t.dialogue_id
    LEFT JOIN sampler_completion x ON x.id = t.completion_id
"""


def as_sampled(record: TurnRecord) -> TurnRecord:
    """With the system turn that its model read, where a suggestion was taken; else that of the models of its round."""
    if record.report and record.before and record.before[0]["role"] != "system":
        record.before = as_read(record.before, {"system_turn": record.report["system_turn"]})
    elif record.served:
        record.before = as_served(record.before, record.served)
    return record


class Turns(Source[TurnRecord]):
    name = "turns"
    counted = _FROM

    def query(self, options: Options) -> str:
        return in_order(f"SELECT t.id FROM {_FROM} ORDER BY d.submitted_at, t.id", f"{TURN} WHERE t.id = ids.id")

    def parse(self, text: str) -> TurnRecord:
        return as_sampled(TurnRecord(**orjson.loads(text)))

    def standing(self, record: TurnRecord, at: Instant, selection: Selection) -> str:
        options = selection.options
        if reason := dialogue(record, at.at, selection):
            return reason
        if record.submitted_at is None or record.submitted_at > at.at:
            return "not submitted"
        if record.kind == IMPORTED:
            if not selection.mixed_in(record.source):
                return rules.NOT_MIXED
        elif options.task_types and record.kind not in options.task_types:
            return "other task type"
        if not options.include_truncated and record.taken_verbatim and record.finish_reason == CUT:
            return "answer cut at its limit"
        if not options.include_verbatim and record.taken_verbatim:
            return "suggestion taken verbatim"
        return rules.filtered(record.round, record.guideline, selection) or rules.whole(
            record.before, record.text, selection
        )


def dialogue(record: TurnRecord, at: str, selection: Selection) -> str:
    """Standing of the dialogue that a turn belongs to, drafts included."""
    if record.withdrawn or record.dialogue in selection.withdrawn_dialogues:
        return rules.WITHDRAWN
    if record.undone_at and record.undone_at <= at:
        return "undone"
    if record.state == "discarded" and not record.undone_at:
        return rules.DRAFT_DISCARDED
    if record.superseded_at and record.superseded_at <= at:
        return "corrected later"
    return rules.reviewed(record.reviews, at)


SOURCE = Turns()
