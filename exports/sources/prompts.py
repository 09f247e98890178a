"""Prompts: those of the pool and the contexts of comparisons, each text once, by when it was first seen."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from common.shapes import Message
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.sources.base import IMPORTED, Record, Source, at, gone, in_order


@dataclass(slots=True, kw_only=True)
class PromptRecord(Record):
    """A prompt of the pool, or the context of a comparison."""

    round: str | None
    where: str  # pool or comparison
    kind: str
    created_at: str
    ended_at: str | None  # retired, or discarded
    hidden_until: str | None  # until then an earlier row with the same text stood for it
    messages: list[Message]

    @property
    def messages_before(self) -> list[Message]:
        return self.messages

    @property
    def origin(self) -> str:
        return self.kind


_ROUND = "(SELECT n.id FROM labeling_round n WHERE n.project_id = %(project)s AND n.number = %(round)s)"
# When a prompt of the pool first occurred in the round asked for: made into a comparison, or opening a dialogue.
_USED = f"""
    (SELECT min(used.at) FROM (
        SELECT c.created_at AS at FROM labeling_comparison c WHERE c.pool_prompt_id = p.id AND c.round_id = {_ROUND}
        UNION ALL
        SELECT d.submitted_at FROM labeling_dialogue d WHERE d.prompt_id = p.id AND d.round_id = {_ROUND}) used)
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
_POOL = "labeling_prompt p WHERE p.project_id = %(project)s AND p.created_at <= %(cutoff)s"
_CONTEXTS = "labeling_comparison c WHERE c.project_id = %(project)s AND c.opened_at <= %(cutoff)s"
# Every place where a text occurs: from when, until when (retired, discarded), and whether it fits what was asked for.
# What somebody withdrew was emptied: each of these rows is a text of its own, to be taken back by its id.
_OCCURRENCES = f"""
    SELECT p.id, true AS pool, pool.used, p.retired_at AS ended, {_SPLIT} AS split,
        CASE WHEN %(round)s::int IS NULL THEN p.created_at ELSE coalesce(pool.used, p.created_at) END AS seen,
        CASE WHEN {gone("p.author_id", "p.created_at")} THEN p.id::text ELSE md5(p.messages::text) END AS key,
        'normal' = ANY(%(kinds)s) AND (%(round)s::int IS NULL OR pool.used IS NOT NULL) AS fits
    FROM labeling_prompt p
    CROSS JOIN LATERAL (SELECT CASE WHEN %(round)s::int IS NOT NULL THEN {_USED} END AS used) pool
    WHERE p.project_id = %(project)s AND p.created_at <= %(cutoff)s
    UNION ALL
    SELECT c.id, false, NULL, CASE WHEN c.state = 'discarded' THEN coalesce(c.discarded_at, c.opened_at) END, c.split,
        c.opened_at,
        CASE WHEN {gone("c.author_id", "c.opened_at")} OR c.withdrawn_at IS NOT NULL THEN c.id::text
             ELSE md5(c.prompt::text) END,
        CASE WHEN c.kind = 'imported' THEN c.source = ANY(%(mixed)s) ELSE c.kind = ANY(%(kinds)s) END
        AND (%(round)s::int IS NULL OR c.round_id = {_ROUND})
    FROM {_CONTEXTS}
"""
# Of those of one text that fit, the first stands for all, and the next from when it has ended. Splits are kept apart:
# a row of test that has to go, since train holds its like, must not take the row of train with it.
_IDS = f"""
    SELECT id, pool, used, seen, ended, split, hidden_until FROM (
        SELECT *, max(coalesce(ended, 'infinity')) OVER (
            PARTITION BY key, split, fits ORDER BY seen, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS hidden_until
        FROM ({_OCCURRENCES}) occurrences WHERE seen <= %(cutoff)s
    ) every
    WHERE (hidden_until IS NULL OR hidden_until <= %(cutoff)s) AND (ended IS NULL OR ended > %(since)s)
    ORDER BY seen, id
"""
_ASSEMBLED = f"""
    CASE WHEN ids.pool THEN (
        SELECT json_build_object('id', p.id, 'dialogue', NULL, 'author', p.author_id, 'split', ids.split,
            'source', p.source, 'round', CASE WHEN ids.used IS NOT NULL THEN {_ROUND} END, 'where', 'pool',
            'kind', 'normal', 'created_at', {at("ids.seen")}, 'ended_at', {at("ids.ended")},
            'hidden_until', {at("ids.hidden_until")}, 'messages', p.messages)
        FROM labeling_prompt p WHERE p.id = ids.id)
    ELSE (
        SELECT json_build_object('id', c.id, 'dialogue', c.dialogue_id, 'author', c.author_id, 'split', c.split,
            'source', c.source, 'round', c.round_id, 'where', 'comparison', 'kind', c.kind,
            'created_at', {at("ids.seen")}, 'ended_at', {at("ids.ended")},
            'hidden_until', {at("ids.hidden_until")}, 'messages', c.prompt,
            'withdrawn', c.withdrawn_at IS NOT NULL)
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
        if record.withdrawn or selection.withdrawn(record.created_at, record.dialogue, record.author):
            return rules.WITHDRAWN
        if record.ended_at and record.ended_at <= at.at:
            return "prompt retired" if record.where == "pool" else "comparison discarded"
        if record.hidden_until and record.hidden_until > at.at:
            return "an earlier prompt with the same text"
        if record.kind == IMPORTED:
            if not selection.mixed_in(record.source):
                return rules.NOT_MIXED
        elif record.kind not in options.kinds:
            return f"{record.kind} item"
        return rules.in_round(record.round, selection) or rules.messages(record.messages, selection, last="user")


SOURCE = Prompts()
