"""Prompts: those of the pool and the contexts of comparisons, each text once, by when it was first seen."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from common.shapes import Message
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.sources.base import IMPORTED, Record, Source, at, in_order


@dataclass(slots=True, kw_only=True)
class PromptRecord(Record):
    """A prompt of the pool, or the context of a comparison."""

    round: str | None
    where: str  # pool or comparison
    kind: str
    created_at: str
    retired_at: str | None
    hidden_until: str | None  # until then an earlier row with the same text stood for it
    messages: list[Message]

    @property
    def messages_before(self) -> list[Message]:
        return self.messages

    @property
    def origin(self) -> str:
        return self.kind


_POOL = "labeling_prompt p WHERE p.project_id = %(project)s AND p.created_at <= %(cutoff)s"
_CONTEXTS = "labeling_comparison c WHERE c.project_id = %(project)s AND c.opened_at <= %(cutoff)s"
# Rows of one text are told by `key`; the first that fits the choice stands for all, and the next one from when it
# was retired. What somebody withdrew was emptied: each of these rows is a text of its own, to be taken back by its id.
_KEY = "CASE WHEN {0}.author_id = ANY(%(withdrawn)s) THEN {0}.id::text ELSE md5({1}::text) END"
_IDS = f"""
    SELECT id, pool, hidden_until FROM (
        SELECT id, pool, seen, retired_at, max(coalesce(retired_at, 'infinity')) OVER (
            PARTITION BY key ORDER BY fits DESC, seen, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS hidden_until
        FROM (
            SELECT p.id, true AS pool, p.created_at AS seen, p.retired_at, {_KEY.format("p", "p.messages")} AS key,
                %(round)s::int IS NULL AS fits
            FROM {_POOL}
            UNION ALL
            SELECT c.id, false, c.opened_at, NULL, {_KEY.format("c", "c.prompt")},
                CASE WHEN c.kind = 'imported' THEN c.source = ANY(%(mixed)s) ELSE c.kind = ANY(%(kinds)s) END
                AND (%(round)s::int IS NULL OR c.round_id IN (SELECT n.id FROM labeling_round n
                    WHERE n.project_id = c.project_id AND n.number = %(round)s))
            FROM {_CONTEXTS}
        ) texts
    ) every
    WHERE (hidden_until IS NULL OR hidden_until <= %(cutoff)s) AND (retired_at IS NULL OR retired_at > %(since)s)
    ORDER BY seen, id
"""
# A prompt of the pool has the split of the first row that was made of it, and none before.
_SPLIT = """
    coalesce((SELECT c.split FROM labeling_comparison c
              WHERE c.prompt_key = p.prompt_key AND c.project_id = p.project_id
              ORDER BY c.created_at, c.id LIMIT 1),
             (SELECT d.split FROM labeling_dialogue d
              WHERE d.prompt_key = p.prompt_key AND d.project_id = p.project_id AND d.split <> ''
              ORDER BY d.created_at, d.id LIMIT 1), '')
"""
_ASSEMBLED = f"""
    CASE WHEN ids.pool THEN (
        SELECT json_build_object('id', p.id, 'dialogue', NULL, 'author', p.author_id, 'split', {_SPLIT},
            'source', p.source, 'round', NULL, 'where', 'pool', 'kind', 'normal', 'created_at', {at("p.created_at")},
            'retired_at', {at("p.retired_at")}, 'hidden_until', {at("ids.hidden_until")}, 'messages', p.messages)
        FROM labeling_prompt p WHERE p.id = ids.id)
    ELSE (
        SELECT json_build_object('id', c.id, 'dialogue', c.dialogue_id, 'author', c.author_id, 'split', c.split,
            'source', c.source, 'round', c.round_id, 'where', 'comparison', 'kind', c.kind,
            'created_at', {at("c.opened_at")}, 'retired_at', NULL, 'hidden_until', {at("ids.hidden_until")},
            'messages', c.prompt)
        FROM labeling_comparison c WHERE c.id = ids.id)
    END
"""


class Prompts(Source[PromptRecord]):
    name = "prompts"
    counted = f"(SELECT p.id FROM {_POOL} UNION ALL SELECT c.id FROM {_CONTEXTS}) ids"

    def query(self, options: Options) -> str:
        return in_order(_IDS, _ASSEMBLED)

    def parse(self, text: str) -> PromptRecord:
        return PromptRecord(**orjson.loads(text))

    def standing(self, record: PromptRecord, at: Instant, selection: Selection) -> str:
        options = selection.options
        if record.created_at > at.at:
            return rules.AFTER
        if selection.withdrawn(record.author, dialogue=record.dialogue):
            return rules.WITHDRAWN
        if record.retired_at and record.retired_at <= at.at:
            return "prompt retired"
        if record.hidden_until and record.hidden_until > at.at:
            return "an earlier prompt with the same text"
        if record.kind == IMPORTED:
            if not selection.mixed_in(record.source):
                return rules.NOT_MIXED
        elif record.kind not in options.kinds:
            return f"{record.kind} item"
        return rules.in_round(record.round, selection) or rules.messages(record.messages, selection, last="user")


SOURCE = Prompts()
