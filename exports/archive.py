"""The records of the `raw` configuration: prompts, dialogues and comparisons, each whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exports.records import Message, at

if TYPE_CHECKING:
    from exports.snapshot import Snapshot


@dataclass(slots=True)
class RawRecord:
    """A prompt, a dialogue or a comparison, whole."""

    id: str
    type: str
    split: str
    source: str
    author: int | None
    dialogue: str | None
    created_at: str
    context_messages: list[Message]
    origin_kind: str
    body: dict[str, Any]


RAW_IDS = """
    SELECT id FROM (
        SELECT id FROM labeling_prompt WHERE project_id = %(project)s AND created_at <= %(cutoff)s
        UNION ALL
        SELECT id FROM labeling_dialogue WHERE project_id = %(project)s AND submitted_at <= %(cutoff)s
            AND (undone_at IS NULL OR undone_at > %(cutoff)s)
        UNION ALL
        SELECT id FROM labeling_comparison WHERE project_id = %(project)s AND opened_at <= %(cutoff)s
            AND (discarded_at IS NULL OR discarded_at > %(cutoff)s)
    ) every ORDER BY id
"""
_WITHDRAWN = "(SELECT user_id FROM labeling_membership WHERE project_id = %(project)s AND withdrawn_at IS NOT NULL)"
RAW = f"""
    SELECT coalesce(
        (SELECT json_build_array(p.id, 'prompt', '', p.source, p.author_id, NULL,
            {at("p.created_at")}, p.messages,
            '', json_build_object('messages', p.messages, 'source', p.source))
         FROM labeling_prompt p WHERE p.id = wanted.id),
        (SELECT json_build_array(d.id, 'dialogue', d.split, d.source, d.author_id, d.id,
            {at("d.submitted_at")},
            (SELECT json_agg(json_build_object('role', t.role, 'content', t.text) ORDER BY t.position)
             FROM labeling_turn t WHERE t.dialogue_id = d.id), d.kind,
            json_build_object('kind', d.kind, 'author', d.author_id, 'source', d.source, 'round', d.round_id,
                'guideline_version', d.guideline_version_id, 'seconds', d.seconds, 'turns',
                (SELECT json_agg(json_build_object('id', t.id, 'role', t.role, 'text', t.text, 'seconds', t.seconds,
                    'model', coalesce(x.model_version_id::text, x.model_label), 'suggestion', x.text, 'feedback',
                    (SELECT json_agg(json_build_object('user', f.user_id, 'thumb_up', f.thumb_up, 'reasons', f.reasons,
                        'comment', f.comment, 'at', {at("f.created_at")}) ORDER BY f.id)
                     FROM labeling_turnfeedback f WHERE f.turn_id = t.id AND f.created_at <= %(cutoff)s
                        AND f.user_id NOT IN {_WITHDRAWN})) ORDER BY t.position)
                 FROM labeling_turn t LEFT JOIN sampler_completion x ON x.id = t.completion_id
                 WHERE t.dialogue_id = d.id),
                'reviews', (SELECT json_agg(json_build_object('decision', v.decision, 'grade', v.grade,
                    'reviewer', v.reviewer_id, 'at', {at("v.created_at")}) ORDER BY v.created_at, v.id)
                    FROM labeling_review v WHERE v.dialogue_id = d.id AND v.created_at <= %(cutoff)s)))
         FROM labeling_dialogue d WHERE d.id = wanted.id),
        (SELECT json_build_array(c.id, 'comparison', c.split, c.source, c.author_id, c.dialogue_id,
            {at("c.opened_at")},
            c.prompt, c.kind,
            json_build_object('kind', c.kind, 'dialogue', c.dialogue_id, 'turn', c.turn_id, 'source', c.source,
                'round', c.round_id, 'prompt', c.prompt, 'completions',
                (SELECT json_agg(json_build_object('id', x.id, 'text', x.text, 'params', x.params, 'model',
                    coalesce(x.model_version_id::text, x.model_label), 'finish_reason', x.finish_reason)
                    ORDER BY k.index)
                 FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id
                 WHERE k.comparison_id = c.id),
                'rankings',
                (SELECT json_agg(json_build_object('id', r.id, 'kind', r.kind, 'trainer', r.trainer_id,
                    'groups', r.groups, 'ratings', r.ratings, 'flags', r.flags, 'strengths', r.strengths,
                    'note', r.note,
                    'order_shown', r.order_shown, 'not_rankable', r.not_rankable, 'seconds', r.seconds,
                    'label_weight', r.label_weight, 'at', {at("r.submitted_at")},
                    'undone_at', CASE WHEN r.undone_at <= %(cutoff)s THEN {at("r.undone_at")} END) ORDER BY r.id)
                 FROM labeling_ranking r WHERE r.comparison_id = c.id AND r.submitted_at <= %(cutoff)s
                    AND (r.trainer_id IS NULL OR r.trainer_id NOT IN {_WITHDRAWN}))))
         FROM labeling_comparison c WHERE c.id = wanted.id)
    )::text
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted(id, place) ORDER BY wanted.place
"""


def raw(snapshot: Snapshot, params: dict[str, Any]) -> Iterator[RawRecord]:
    """Prompts, submitted dialogues and opened comparisons, each whole."""
    for row in snapshot.stream(RAW_IDS, RAW, params):
        yield RawRecord(*row)
