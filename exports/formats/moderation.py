"""`moderation`: what the content filters said of every text, and what people say of that; to train the next filter on.

Written only where it is named, since it is the one configuration that holds what is blocked. Its records are of a kind
that no other configuration is made of, so their query stands here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, TypeVar

import orjson

from common.shapes import Message
from common.visible import visible
from exports.formats.base import Context, Format, columns_of
from exports.options import Options
from exports.selection import rules
from exports.selection.rules import Instant, Selection
from exports.snapshot import instant
from exports.sources.base import Record, Source, at, gone, in_order
from labeling.withdrawal import WITHDRAWN


class Score(TypedDict):
    category: str
    score: float


class Mark(TypedDict):
    harmful: bool
    category: str
    comment: str
    confirmed: bool | None
    annotator_id: str | None
    created_at: str


class Screened(TypedDict):
    id: str
    text: str
    scores: list[Score]
    action: str
    category: str
    marks: list[Mark]
    harmful: bool | None
    filter: str
    filter_version: str
    text_id: str
    type: str
    language: str
    created_at: str
    rule: str | None
    outcome: str | None
    breaks_rule: bool | None
    finding: str | None


class Try(TypedDict):
    """Of a text in a red-team chat that was handed in."""

    rule: str
    outcome: str
    reply: bool  # whether it is the one that its trainer says broke the rule
    finding: str | None  # a reviewer's


class Judged(TypedDict):
    """What follows from the scores; `until` of one that new thresholds replaced."""

    action: str
    category: str
    until: str


class Word(TypedDict):
    """What a person says of a text, None once they took it back; `until` of one that a later word replaced."""

    harmful: bool | None
    category: str
    comment: str
    until: str


class Decision(TypedDict):
    """A reviewer's, on what a mark said then."""

    harmful: bool
    confirmed: bool
    made_at: str


class Said(Word):
    """A person's last word, the earlier ones, and what reviewers decided."""

    user: int
    given_at: str
    earlier: list[Word]  # oldest first
    decisions: list[Decision]  # oldest first


Dated = TypeVar("Dated", Judged, Word)


def _confirmed(mark: Said, word: Word, moment: str) -> bool | None:
    """What a reviewer had decided of it by then; None: nothing."""
    decided: bool | None = None
    for one in mark["decisions"]:
        if one["made_at"] <= moment and one["harmful"] is word["harmful"]:
            decided = one["confirmed"]
    return decided


def _then(earlier: Sequence[Dated], last: Dated, moment: str) -> Dated:
    """The one that stood at a moment."""
    return next((one for one in earlier if instant(datetime.fromisoformat(one["until"])) > moment), last)


@dataclass(slots=True, kw_only=True)
class VerdictRecord(Record):
    """A filter's word on one text, with people's words on the text."""

    type: str
    text_id: str
    text: str | None  # None where it is gone
    counts_from: str | None  # of a turn in a demonstration: when that was handed in
    last_change: str | None  # of the text
    filter: str
    version: str
    scores: dict[str, float]
    judged: Judged
    earlier: list[Judged]  # oldest first
    created_at: str
    replaced_at: str | None  # by the word of a newer version of the filter
    tried: Try | None
    tried_before: Try | None  # at the cutoff of the earlier export
    lost: bool  # a mark on it was withdrawn since the earlier export
    marks: list[Said]

    @property
    def messages_before(self) -> list[Message]:
        """Equal texts are on one side of the split."""
        return [{"role": "user", "content": self.text or ""}]

    @property
    def origin(self) -> str:
        return self.type

    @property
    def screened_as(self) -> str:
        return ""

    def judged_at(self, moment: str) -> Judged:
        return _then(self.earlier, self.judged, moment)

    def marks_at(self, moment: str) -> list[tuple[Said, Word, bool | None]]:
        """Each with the word that stood then, and what had been decided of it."""
        given = [mark for mark in self.marks if mark["given_at"] <= moment]
        stood = [(mark, _then(mark["earlier"], mark, moment)) for mark in given]
        return [(mark, word, _confirmed(mark, word, moment)) for mark, word in stood if word["harmful"] is not None]


_FROM = """
    moderation_verdict v WHERE v.project_id = %(project)s AND v.created_at <= %(cutoff)s AND v.failed = ''
"""
_PROMPT = (
    "(SELECT string_agg(m->>'content', E'\\n' ORDER BY n) FROM jsonb_array_elements({}) WITH ORDINALITY AS o(m, n))"
)
_TEXT = f"""
    CASE v.target
    WHEN 'message' THEN v.text
    WHEN 'turn' THEN t.text
    WHEN 'completion' THEN (SELECT concat_ws(E'\\n\\n', nullif(x.reasoning, ''), x.text)
                            FROM sampler_completion x WHERE x.id = v.target_id)
    ELSE coalesce((SELECT {_PROMPT.format("p.messages")} FROM labeling_prompt p WHERE p.id = v.target_id),
                  (SELECT {_PROMPT.format("c.prompt")} FROM labeling_comparison c WHERE c.id = v.target_id))
    END
"""
# Of several filters' verdicts on a text a person marks one: the mark is on the text. The newest of each person counts.
_MARKS = f"""
    SELECT json_agg(json_build_object('harmful', f.harmful, 'category', f.category, 'comment', f.comment, 'until', '',
            'user', f.user_id, 'given_at', {at("f.created_at")}, 'earlier', f.earlier, 'decisions', coalesce((
                SELECT json_agg(json_build_object('harmful', c.harmful, 'confirmed', c.confirmed,
                    'made_at', {at("c.created_at")}) ORDER BY c.created_at, c.id)
                FROM moderation_markdecision c WHERE c.mark_id = f.id AND c.created_at <= %(cutoff)s), '[]'))
        ORDER BY f.created_at, f.id)
    FROM (
        SELECT DISTINCT ON (f.user_id) f.* FROM moderation_verdictfeedback f JOIN moderation_verdict w
            ON w.id = f.verdict_id AND w.target_id = v.target_id AND w.project_id = v.project_id
        WHERE f.created_at <= %(cutoff)s AND NOT {gone("f.user_id", "f.created_at")}
        ORDER BY f.user_id, f.created_at DESC, f.id) f
"""
# The newest red-team chat that holds the text, handed in by an instant: a draft made by an undo has the same replies.
_TRY = """
    SELECT json_build_object('rule', u.name || ' (v' || u.version || ')', 'outcome', a.outcome, 'finding', (
            SELECT w.finding FROM labeling_review w
            WHERE w.dialogue_id = e.id AND w.finding <> '' AND w.created_at <= %({at})s
              AND (w.undone_at IS NULL OR w.undone_at > %({at})s) ORDER BY w.created_at DESC, w.id LIMIT 1),
        'reply', b.id = v.target_id OR coalesce(b.completion_id = v.target_id, false))
    FROM labeling_turn x
    JOIN labeling_dialogue e ON e.id = x.dialogue_id
    JOIN labeling_redteamrule u ON u.id = e.rule_id
    JOIN labeling_redteamattempt a ON a.dialogue_id = e.id
    LEFT JOIN labeling_turn b ON b.id = a.turn_id
    WHERE (x.id = v.target_id OR x.completion_id = v.target_id) AND e.project_id = v.project_id
      AND e.submitted_at <= %({at})s AND (e.undone_at IS NULL OR e.undone_at > %({at})s)
    ORDER BY e.submitted_at DESC LIMIT 1
"""
_ASSEMBLED = f"""
    SELECT json_build_object('id', v.id, 'split', '', 'source', '', 'author', NULL, 'dialogue', NULL,
        'type', v.target, 'text_id', v.target_id, 'text', {_TEXT},
        'counts_from', CASE WHEN d.kind = 'demonstration' THEN {at("d.submitted_at")} ELSE {at("v.created_at")} END,
        'last_change', {at("greatest(t.created_at, t.edited_at)")},
        'filter', v.filter, 'version', v.filter_version, 'scores', v.scores,
        'judged', json_build_object('action', v.action, 'category', v.category, 'until', ''),
        'earlier', v.earlier, 'created_at', {at("v.created_at")},
        'replaced_at', (SELECT {at("min(n.created_at)")} FROM moderation_verdict n
            WHERE n.target_id = v.target_id AND n.project_id = v.project_id AND v.filter IN (n.filter, 'none')
              AND n.failed = '' AND n.created_at > v.created_at),
        'tried', ({_TRY.format(at="cutoff")}), 'tried_before', ({_TRY.format(at="since")}),
        'lost', EXISTS (SELECT 1 FROM moderation_verdictfeedback f JOIN moderation_verdict w ON w.id = f.verdict_id
            WHERE w.target_id = v.target_id AND w.project_id = v.project_id AND f.user_id = ANY(%(withdrawn_since)s)),
        'marks', coalesce(({_MARKS}), '[]'))
    FROM moderation_verdict v
    LEFT JOIN labeling_turn t ON v.target = 'turn' AND t.id = v.target_id
    LEFT JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE v.id = ids.id
"""


class Verdicts(Source[VerdictRecord]):
    name = "verdicts"
    counted = _FROM
    trained_on = False

    def query(self, options: Options) -> str:
        return in_order(f"SELECT v.id FROM {_FROM} ORDER BY v.created_at, v.id", _ASSEMBLED)

    def parse(self, text: str) -> VerdictRecord:
        return VerdictRecord(**orjson.loads(text))

    def standing(self, record: VerdictRecord, at: Instant, selection: Selection) -> str:
        if record.created_at > at.at:
            return rules.AFTER
        if record.text is None or record.text == WITHDRAWN:
            return rules.WITHDRAWN
        if record.counts_from is None or record.counts_from > at.at:
            return rules.AFTER
        if record.last_change and record.last_change > at.at:
            return rules.EDITED
        if record.replaced_at and record.replaced_at <= at.at:
            return "judged by a newer version of the content filter"
        return "" if visible(record.text) else "empty text"

    def changed(self, record: VerdictRecord, since: str, until: str) -> bool:
        marks = [[said[1:] for said in record.marks_at(moment)] for moment in (since, until)]
        other = record.tried != record.tried_before
        return record.lost or other or marks[0] != marks[1] or record.judged_at(since) != record.judged_at(until)


class Moderation(Format[VerdictRecord, Screened]):
    source = Verdicts()
    about = "A text with a content filter's scores, what followed, and what people say of it; blocked texts too."
    columns = columns_of(Screened)

    def rows(self, record: VerdictRecord, context: Context) -> Iterator[Screened]:
        context.counts["verdicts"] += 1
        tried = record.tried
        judged, marks = record.judged_at(context.cutoff), record.marks_at(context.cutoff)
        yield {
            "id": record.id,
            "text": context.text(record.text or ""),
            "scores": [{"category": name, "score": float(score)} for name, score in sorted(record.scores.items())],
            "action": judged["action"],
            "category": judged["category"],
            "marks": [
                {
                    "harmful": bool(word["harmful"]),
                    "category": word["category"],
                    "comment": context.text(word["comment"]),
                    "confirmed": confirmed,
                    "annotator_id": context.name(mark["user"]),
                    "created_at": mark["given_at"],
                }
                for mark, word, confirmed in marks
            ],
            "harmful": _verdict(marks),
            "filter": record.filter,
            "filter_version": record.version,
            "text_id": record.text_id,
            "type": record.type,
            "language": context.language,
            "created_at": record.created_at,
            "rule": tried["rule"] if tried else None,
            "outcome": tried["outcome"] if tried else None,
            "breaks_rule": bool(tried["reply"]) if tried else None,
            "finding": tried["finding"] if tried else None,
        }


def _verdict(marks: Sequence[tuple[Said, Word, bool | None]]) -> bool | None:
    """What reviewers confirm, else what most say; None where there is no more for the one than for the other."""
    decided = [word["harmful"] is confirmed for _, word, confirmed in marks if confirmed is not None]
    words = decided or [bool(word["harmful"]) for _, word, _ in marks]
    more = 2 * sum(words) - len(words)
    return None if more == 0 else more > 0


FORMAT = Moderation()
