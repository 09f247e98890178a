"""What is read for an export, one record a source row, and the SQL that assembles it.

A record carries the dates of everything that may change its standing (undo, review, correction),
never the standing itself: `exports/rules.py` decides that for any instant. Instants are texts of
one fixed form, so that they compare as they read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from exports.spool import FIRST, Group

if TYPE_CHECKING:
    from exports.snapshot import Snapshot

Message = dict[str, str]

INSTANT = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''


def instant(moment: dt.datetime) -> str:
    """`2026-11-22T10:00:00.000000Z`: always six digits, so that no reader takes it for a timestamp."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def at(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', {INSTANT})"


@dataclass(slots=True)
class Answer:
    """One completion as shown to a judge."""

    id: str
    model_version: str | None
    label: str
    params: dict[str, Any]
    finish_reason: str
    weights_hash: str | None
    text: str


@dataclass(slots=True)
class RankingRecord:
    """One judgement with the prompt and the completions it is about."""

    id: str
    comparison: str
    trainer: int | None
    kind: str
    submitted_at: str
    undone_at: str | None
    superseded_at: str | None
    reviews: list[tuple[str, str]] | None  # (instant, decision), oldest first
    not_rankable: str
    groups: list[list[str]]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    strengths: list[int]
    order_shown: list[str]
    seconds: int | None
    label_weight: float | None
    note: str
    guideline: str | None
    comparison_kind: str
    comparison_state: str
    discarded_at: str | None
    dialogue: str | None
    turn: str | None
    round: str | None
    split: str
    source: str
    author: int | None
    prompt: list[Message]
    answers: list[Answer] = field(default_factory=list)
    num_votes: int | None = None  # of a consensus

    @property
    def context_messages(self) -> list[Message]:
        return self.prompt

    @property
    def origin_kind(self) -> str:
        return "imported" if "imported" in (self.kind, self.comparison_kind) else self.kind


# All judgements handed in by the cutoff, whatever became of them: three tables, each read once from front to back and
# spooled by the key (`exports/spool.py`), which is the ranking's id or, for a consensus, the comparison's.
_RANKINGS = (
    f"""
    SELECT {{key}}, json_build_array(
        r.id, r.comparison_id, r.trainer_id, r.kind, {at("r.submitted_at")}, {at("r.undone_at")},
        {at("s.submitted_at")}, v.reviews,
        r.not_rankable, r.groups, r.ratings, r.flags, r.strengths, r.order_shown, r.seconds, r.label_weight, r.note,
        r.guideline_version_id)::text
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    LEFT JOIN (SELECT supersedes_id, submitted_at FROM labeling_ranking
               WHERE supersedes_id IS NOT NULL AND submitted_at <= %(cutoff)s) s ON s.supersedes_id = r.id
    LEFT JOIN (SELECT ranking_id, json_agg(json_build_array({at("created_at")}, decision) ORDER BY created_at, id)
                   AS reviews
               FROM labeling_review WHERE ranking_id IS NOT NULL AND created_at <= %(cutoff)s
               GROUP BY ranking_id) v ON v.ranking_id = r.id
    WHERE c.project_id = %(project)s AND r.submitted_at <= %(cutoff)s
    """,
    f"""
    SELECT {{key}}, json_build_array(c.kind, c.state, {at("c.discarded_at")}, c.dialogue_id, c.turn_id, c.round_id,
        c.split, c.source, c.author_id, c.prompt)::text
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    WHERE c.project_id = %(project)s AND r.submitted_at <= %(cutoff)s
    """,
    # First the columns that differ from row to row. Those after the text are alike in many rows, and parsed once.
    """
    SELECT j.key, x.id::text, x.text, x.model_version_id::text, x.model_label, x.params::text, x.finish_reason,
        CASE WHEN x.model_version_id IS NOT NULL THEN x.provenance->>'weights_hash' END
    FROM sampler_completion x JOIN (labeling_candidate k JOIN (
        SELECT {key} AS key, r.comparison_id
        FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
        WHERE c.project_id = %(project)s AND r.submitted_at <= %(cutoff)s
    ) j ON j.comparison_id = k.comparison_id) ON x.id = k.completion_id
    """,
)
_ORDER_SHOWN = 13
_ID = slice(FIRST, FIRST + 36)
_TEXT = _ID.stop + 4


def ranking_queries(*, by_comparison: bool = False) -> list[str]:
    """The queries of judgements, of what they are about and of the completions, one table each."""
    return [query.replace("{key}", "r.comparison_id" if by_comparison else "r.id") for query in _RANKINGS]


def rankings(groups: Iterable[Group]) -> Iterator[RankingRecord]:
    """Records out of the rows that were spooled, in the order of the keys and their own ids."""
    for judgements, comparisons, completions in groups:
        comparison = orjson.loads(comparisons[0][FIRST:])
        answers: dict[str, Answer] = {}
        for row in completions:
            end = _TEXT + int.from_bytes(row[_TEXT - 4 : _TEXT])
            id_ = row[_ID].decode()
            answers[id_] = Answer(id_, *_alike(row[end:]), row[_TEXT:end].decode())
        heads = [orjson.loads(row[FIRST:]) for row in judgements]
        heads.sort(key=itemgetter(0))
        for head in heads:
            shown = [answers[cid] for cid in head[_ORDER_SHOWN] if cid in answers]
            yield RankingRecord(*head, *comparison, shown)  # type: ignore[call-arg]


@lru_cache(1_000)
def _alike(columns: bytes) -> tuple[str | None, str, dict[str, Any], str, str | None]:
    """Columns of a completion that do not differ much: as COPY sends them, each after its length."""
    values: list[str | None] = []
    at = 0
    while at < len(columns):
        size = int.from_bytes(columns[at : at + 4], signed=True)
        at += 4
        values.append(columns[at : at + size].decode() if size >= 0 else None)
        at += max(size, 0)
    version, label, params, finish_reason, weights_hash = values
    return version, label or "", orjson.loads(params or "{}"), finish_reason or "", weights_hash


@dataclass(slots=True)
class TurnRecord:
    """One assistant turn of a dialogue with what stood before it."""

    id: str
    dialogue: str
    author: int | None
    kind: str
    state: str
    submitted_at: str | None
    undone_at: str | None
    superseded_at: str | None
    reviews: list[tuple[str, str]] | None
    guideline: str | None
    round: str | None
    split: str
    source: str
    text: str
    created_at: str
    edited_at: str | None
    completion_text: str | None
    model_version: str | None
    label: str | None
    weights_hash: str | None
    before: list[Message]

    @property
    def context_messages(self) -> list[Message]:
        return self.before

    @property
    def origin_kind(self) -> str:
        return self.kind


TURN_IDS = """
    SELECT t.id FROM labeling_turn t JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE d.project_id = %(project)s AND t.role = 'assistant' AND d.kind IN ('demonstration', 'imported')
      AND d.submitted_at <= %(cutoff)s
    ORDER BY t.id
"""
_DIALOGUE = f"""
        d.id, d.author_id, d.kind, d.state, {at("d.submitted_at")}, {at("d.undone_at")},
        {at("s.submitted_at")},
        (SELECT json_agg(json_build_array({at("v.created_at")}, v.decision) ORDER BY v.created_at, v.id)
         FROM labeling_review v WHERE v.dialogue_id = d.id AND v.created_at <= %(cutoff)s),
        d.guideline_version_id, d.round_id, d.split, d.source
"""
_TURN = f"""
        t.text, {at("t.created_at")}, {at("t.edited_at")},
        x.text, x.model_version_id, x.model_label, x.provenance->'weights_hash',
        coalesce((SELECT json_agg(json_build_object('role', b.role, 'content', b.text) ORDER BY b.position)
         FROM labeling_turn b WHERE b.dialogue_id = t.dialogue_id AND b.position < t.position), '[]')
"""
_TURN_FROM = """
    JOIN labeling_dialogue d ON d.id = t.dialogue_id
    LEFT JOIN sampler_completion x ON x.id = t.completion_id
    LEFT JOIN labeling_dialogue s ON s.supersedes_id = d.id AND s.submitted_at <= %(cutoff)s
    ORDER BY wanted.place
"""
TURNS = f"""
    SELECT json_build_array(t.id, {_DIALOGUE}, {_TURN})::text
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted(id, place)
    JOIN labeling_turn t ON t.id = wanted.id {_TURN_FROM}
"""


def turns(snapshot: Snapshot, params: dict[str, Any]) -> Iterator[TurnRecord]:
    """Assistant turns of demonstrations and imported dialogues handed in by the cutoff."""
    for row in snapshot.stream(TURN_IDS, TURNS, params):
        yield TurnRecord(*row)


@dataclass(slots=True)
class FeedbackRecord:
    """A thumb on a model-written turn."""

    id: str
    user: int
    thumb_up: bool
    earlier: list[dict[str, Any]]  # opinions that this one replaced, each with `until`
    given_at: str
    last_change: str | None  # of any turn up to the rated one
    turn: TurnRecord

    def label_at(self, at: str) -> bool:
        """The opinion that stood at `at`."""
        for opinion in self.earlier:
            if instant(dt.datetime.fromisoformat(opinion["until"])) > at:
                return bool(opinion["thumb_up"])
        return self.thumb_up

    @property
    def split(self) -> str:
        return self.turn.split

    @property
    def source(self) -> str:
        return self.turn.source

    @property
    def author(self) -> int | None:
        return self.turn.author

    @property
    def origin_kind(self) -> str:
        return self.turn.kind

    @property
    def context_messages(self) -> list[Message]:
        return self.turn.before


FEEDBACK_IDS = """
    SELECT f.id FROM labeling_turnfeedback f
    JOIN labeling_turn t ON t.id = f.turn_id JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE d.project_id = %(project)s AND t.role = 'assistant' AND f.created_at <= %(cutoff)s
    ORDER BY f.id
"""
FEEDBACK = f"""
    SELECT json_build_array(f.id, f.user_id, f.thumb_up, f.earlier, {at("f.created_at")},
        (SELECT {at("max(greatest(b.created_at, b.edited_at))")}
         FROM labeling_turn b WHERE b.dialogue_id = t.dialogue_id AND b.position <= t.position),
        t.id, {_DIALOGUE}, {_TURN})::text
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted(id, place)
    JOIN labeling_turnfeedback f ON f.id = wanted.id JOIN labeling_turn t ON t.id = f.turn_id {_TURN_FROM}
"""


def feedback(snapshot: Snapshot, params: dict[str, Any]) -> Iterator[FeedbackRecord]:
    """Thumbs given by the cutoff."""
    for row in snapshot.stream(FEEDBACK_IDS, FEEDBACK, params):
        id_, user, thumb_up, earlier, given_at, last_change, *turn = row
        yield FeedbackRecord(id_, user, thumb_up, earlier, given_at, last_change, TurnRecord(*turn))


@dataclass(slots=True)
class PromptRecord:
    """A prompt of the pool, or the context of a comparison."""

    id: str
    dialogue: str | None
    author: int | None
    split: str
    prompt_key: str
    source: str
    round: str | None
    origin: str  # pool or comparison
    kind: str
    created_at: str
    messages: list[Message]

    @property
    def context_messages(self) -> list[Message]:
        return self.messages

    @property
    def origin_kind(self) -> str:
        return self.kind


# Equal contexts appear once, under their smallest id; the pool is preferred by no rule of its own.
PROMPT_IDS = """
    SELECT min(id::text)::uuid FROM (
        SELECT p.id, p.messages AS prompt FROM labeling_prompt p
        WHERE p.project_id = %(project)s AND p.created_at <= %(cutoff)s
          AND (p.retired_at IS NULL OR p.retired_at > %(cutoff)s)
        UNION ALL
        SELECT c.id, c.prompt FROM labeling_comparison c
        WHERE c.project_id = %(project)s AND c.opened_at <= %(cutoff)s
    ) every GROUP BY md5(prompt::text) ORDER BY 1
"""
PROMPTS = f"""
    SELECT coalesce(
        (SELECT json_build_array(p.id, NULL, p.author_id,
            coalesce((SELECT c.split FROM labeling_comparison c
                      WHERE c.prompt_key = p.prompt_key AND c.project_id = p.project_id
                      ORDER BY c.created_at, c.id LIMIT 1),
                     (SELECT d.split FROM labeling_dialogue d
                      WHERE d.prompt_key = p.prompt_key AND d.project_id = p.project_id AND d.split <> ''
                      ORDER BY d.created_at, d.id LIMIT 1), ''),
            p.prompt_key, p.source, NULL, 'pool', 'normal', {at("p.created_at")}, p.messages)
         FROM labeling_prompt p WHERE p.id = wanted.id),
        (SELECT json_build_array(c.id, c.dialogue_id, c.author_id, c.split, c.prompt_key, c.source, c.round_id,
            'comparison', c.kind, {at("c.opened_at")}, c.prompt)
         FROM labeling_comparison c WHERE c.id = wanted.id)
    )::text
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted(id, place) ORDER BY wanted.place
"""


def prompts(snapshot: Snapshot, params: dict[str, Any]) -> Iterator[PromptRecord]:
    """Prompts of the pool and contexts of comparisons, each text once."""
    for row in snapshot.stream(PROMPT_IDS, PROMPTS, params):
        yield PromptRecord(*row)
