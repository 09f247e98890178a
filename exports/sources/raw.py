"""Raw: prompts of the pool, submitted dialogues and opened comparisons, each whole, by when it came about."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from common.shapes import JsonObject, Message
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.sources.base import Record, Source, at, gone, in_order
from labeling import published


@dataclass(slots=True, kw_only=True)
class RawRecord(Record):
    """A prompt, a dialogue or a comparison, whole."""

    type: str
    created_at: str
    undone_at: str | None  # taken back or discarded
    changed_at: str | None  # the last event in `body` up to the cutoff
    lost: bool  # a judgement in it was withdrawn since the earlier export, or a note of an imported one that quoted it
    body: JsonObject
    messages: list[Message]

    @property
    def messages_before(self) -> list[Message]:
        return self.messages

    @property
    def origin(self) -> str:
        return self.type


# What was taken back is read only where an earlier export may hold it.
_FROM = """
    (SELECT id, 'prompt' AS type, created_at AS seen FROM labeling_prompt
     WHERE project_id = %(project)s AND created_at <= %(cutoff)s
     UNION ALL
     SELECT id, 'dialogue', submitted_at FROM labeling_dialogue
     WHERE project_id = %(project)s AND submitted_at <= %(cutoff)s AND (undone_at IS NULL OR undone_at > %(since)s)
     UNION ALL
     SELECT id, 'comparison', opened_at FROM labeling_comparison
     WHERE project_id = %(project)s AND opened_at <= %(cutoff)s
        AND (discarded_at IS NULL OR discarded_at > %(since)s)) every
"""
_PROMPT = f"""
    SELECT json_build_object('id', p.id, 'type', 'prompt', 'split', '', 'source', p.source, 'author', p.author_id,
        'dialogue', NULL, 'created_at', {at("p.created_at")}, 'undone_at', NULL, 'changed_at', NULL,
        'lost', false, 'body',
        json_build_object('messages', p.messages, 'source', p.source, 'paraphrases', p.paraphrases))
    FROM labeling_prompt p WHERE p.id = ids.id
"""
# A thumb with the opinion that stood at the cutoff (null: none), and when it was given. Reasons and comments have no
# history: they are as they are now, and changed whenever they did.
_THUMBS = f"""
    SELECT json_agg(json_build_object('user', f.user_id, 'thumb_up', (SELECT (e->>'thumb_up')::bool
            FROM jsonb_array_elements(f.earlier || jsonb_build_object('thumb_up', f.thumb_up)) WITH ORDINALITY o(e, n)
            WHERE coalesce((e->>'until')::timestamptz > %(cutoff)s, true) ORDER BY n LIMIT 1),
        'reasons', f.reasons, 'comment', f.comment, 'at', {at("f.created_at")}) ORDER BY f.id) AS given,
        max(greatest(f.created_at, f.updated_at)) AS changed_at
    FROM labeling_turnfeedback f
    WHERE f.turn_id = t.id AND f.created_at <= %(cutoff)s AND NOT {gone("f.user_id", "f.created_at")}
"""
_TURNS = f"""
    SELECT json_agg(json_build_object('id', t.id, 'role', t.role, 'text', t.text, 'seconds', t.seconds,
            'model', coalesce(x.model_version_id::text, x.model_label), 'suggestion', x.text,
            'is_example', t.is_example, 'feedback', thumbs.given) ORDER BY t.position) AS told,
        max(thumbs.changed_at) AS changed_at,
        bool_or(EXISTS (SELECT 1 FROM labeling_turnfeedback f
                        WHERE f.turn_id = t.id AND f.user_id = ANY(%(withdrawn_since)s))) AS lost
    FROM labeling_turn t LEFT JOIN sampler_completion x ON x.id = t.completion_id
    CROSS JOIN LATERAL ({_THUMBS}) thumbs
    WHERE t.dialogue_id = d.id
"""
_REVIEWS = f"""
    SELECT json_agg(json_build_object('decision', v.decision, 'grade', v.grade, 'reviewer', v.reviewer_id,
            'comment', v.comment, 'spans', v.spans, 'finding', v.finding, 'at', {at("v.created_at")})
            ORDER BY v.created_at, v.id) FILTER (WHERE v.undone_at IS NULL OR v.undone_at > %(cutoff)s) AS told,
        max(greatest(v.created_at, CASE WHEN v.undone_at <= %(cutoff)s THEN v.undone_at END)) AS changed_at,
        bool_or(v.reviewer_id = ANY(%(withdrawn_since)s)) AS lost
    FROM labeling_review v WHERE v.created_at <= %(cutoff)s"""
_DIALOGUE = f"""
    SELECT json_build_object('id', d.id, 'type', 'dialogue', 'split', d.split, 'source', d.source,
        'author', d.author_id, 'dialogue', d.id, 'created_at', {at("d.submitted_at")},
        'undone_at', {at("d.undone_at")}, 'changed_at', {at("greatest(turns.changed_at, reviews.changed_at)")},
        'lost', turns.lost IS TRUE OR reviews.lost IS TRUE, 'withdrawn', d.withdrawn_at IS NOT NULL,
        'body', json_build_object('kind', d.kind, 'author', d.author_id, 'source', d.source, 'round', d.round_id,
            'guideline_version', d.guideline_version_id, 'seconds', d.seconds, 'given_turns', d.given_turns,
            'turns', turns.told, 'reviews', reviews.told, 'red_team', ({published.TRY})))
    FROM labeling_dialogue d
    CROSS JOIN LATERAL ({_TURNS}) turns
    CROSS JOIN LATERAL ({_REVIEWS} AND v.dialogue_id = d.id) reviews
    WHERE d.id = ids.id
"""
_RANKINGS = f"""
    SELECT json_agg(json_build_object('id', r.id, 'kind', r.kind, 'trainer', r.trainer_id,
            'groups', r.groups, 'ratings', r.ratings, 'flags', r.flags, 'strengths', r.strengths, 'spans', r.spans,
            'criteria', r.criteria, 'scales', r.scales, 'reviews', reviews.told,
            'note', r.note, 'order_shown', r.order_shown, 'not_rankable', r.not_rankable, 'seconds', r.seconds,
            'label_weight', r.label_weight, 'at', {at("r.submitted_at")},
            'undone_at', CASE WHEN r.undone_at <= %(cutoff)s THEN {at("r.undone_at")} END) ORDER BY r.id) AS told,
        max(greatest(r.submitted_at, reviews.changed_at, CASE WHEN r.undone_at <= %(cutoff)s THEN r.undone_at END))
            AS changed_at, bool_or(reviews.lost) AS lost
    FROM labeling_ranking r CROSS JOIN LATERAL ({_REVIEWS} AND v.ranking_id = r.id) reviews
    WHERE r.comparison_id = c.id AND r.submitted_at <= %(cutoff)s AND NOT {gone("r.trainer_id", "r.submitted_at")}
"""
_COMPARISON = f"""
    SELECT json_build_object('id', c.id, 'type', 'comparison', 'split', c.split, 'source', c.source,
        'author', c.author_id, 'dialogue', c.dialogue_id, 'created_at', {at("c.opened_at")},
        'undone_at', {at("c.discarded_at")}, 'withdrawn', c.withdrawn_at IS NOT NULL,
        'changed_at', {at("rankings.changed_at")}, 'lost', rankings.lost IS TRUE OR EXISTS (
            SELECT 1 FROM labeling_ranking r WHERE r.comparison_id = c.id AND r.trainer_id = ANY(%(withdrawn_since)s))
            OR c.kind = 'imported' AND cardinality(%(withdrawn_since)s::int[]) > 0,
        'body', json_build_object('kind', c.kind, 'dialogue', c.dialogue_id, 'turn', c.turn_id, 'source', c.source,
            'round', c.round_id, 'selection', c.selection, 'prompt', c.prompt, 'completions',
            (SELECT json_agg(json_build_object('id', x.id, 'text', x.text, 'params', x.params, 'model',
                coalesce(x.model_version_id::text, x.model_label), 'finish_reason', x.finish_reason)
                ORDER BY k.index)
             FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id
             WHERE k.comparison_id = c.id),
            'rankings', rankings.told))
    FROM labeling_comparison c CROSS JOIN LATERAL ({_RANKINGS}) rankings WHERE c.id = ids.id
"""


class Raw(Source[RawRecord]):
    name = "raw"
    counted = _FROM
    trained_on = False

    def query(self, options: Options) -> str:
        return in_order(
            f"SELECT id, type FROM {_FROM} ORDER BY seen, id",
            f"CASE ids.type WHEN 'prompt' THEN ({_PROMPT}) WHEN 'dialogue' THEN ({_DIALOGUE}) ELSE ({_COMPARISON}) END",
        )

    def parse(self, text: str) -> RawRecord:
        row = orjson.loads(text)
        body = row["body"]
        messages: list[Message] = (
            body.get("messages")
            or body.get("prompt")
            or [{"role": turn["role"], "content": turn["text"]} for turn in body.get("turns") or ()]
        )
        return RawRecord(**row, messages=messages)

    def standing(self, record: RawRecord, at: Instant, selection: Selection) -> str:
        """An archive leaves out only what was withdrawn or taken back."""
        if record.created_at > at.at:
            return rules.AFTER
        if record.withdrawn or selection.withdrawn(record.created_at, record.dialogue, record.author):
            return rules.WITHDRAWN
        return "taken back or discarded" if record.undone_at and record.undone_at <= at.at else ""

    def changed(self, record: RawRecord, since: str, until: str) -> bool:
        return record.lost or (record.changed_at is not None and record.changed_at > since)


SOURCE = Raw()
