"""Rankings: one record a judgement, with the prompt and the completions it is about, by `submitted_at`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import orjson

from common.shapes import JsonObject, Message
from common.stats import consensus
from exports.options import Options
from exports.selection import rules, votes
from exports.selection.rules import Instant, Selection
from exports.sources.base import IMPORTED, Record, Source, at, gone, in_order, report_of
from labeling.criteria import Criterion
from labeling.spans import Span
from sampler.as_read import as_read

CONSENSUS = "consensus"  # the kind of a ranking that several votes were put together to
GOLD = "gold"  # the kind of a reviewer's own order, which stands for the votes
CUT = "length"  # the finish_reason of an answer that was cut at its limit
TOO_FEW = "fewer than two completions"


@dataclass(slots=True, kw_only=True)
class Answer:
    """One completion as shown to a judge."""

    id: str
    model_version: str | None
    label: str
    params: JsonObject
    finish_reason: str
    weights_hash: str | None
    text: str
    reasoning: str = ""
    report: JsonObject | None = None  # how its prompt was read; null for a text brought from outside

    @property
    def cut(self) -> bool:
        return self.finish_reason == CUT


@dataclass(slots=True, kw_only=True)
class RankingRecord(Record):
    """One judgement. For a consensus `id` is the comparison's."""

    comparison: str
    trainer: int | None
    kind: str
    submitted_at: str
    undone_at: str | None
    superseded_at: str | None
    reviews: list[rules.Decided] | None  # oldest first
    golds: list[tuple[str, str | None]] | None  # of reviewers' own orders of its comparison: since when, until when
    not_rankable: str
    groups: list[list[str]]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    strengths: list[int]
    criteria: dict[str, dict[str, int]]
    scales: list[Criterion]
    spans: dict[str, list[Span]]
    reading: dict[str, JsonObject]
    order_shown: list[str]
    seconds: int | None
    label_weight: float | None
    note: str
    guideline: str | None
    comparison_kind: str
    comparison_state: str
    discarded_at: str | None
    turn: str | None
    round: str | None
    selection: str
    selection_margin: float | None
    prompt: list[Message]
    answers: list[Answer]  # in the order shown
    num_votes: int | None = None  # of a consensus

    @property
    def messages_before(self) -> list[Message]:
        return self.prompt

    @property
    def origin(self) -> str:
        return IMPORTED if IMPORTED in (self.kind, self.comparison_kind) else self.kind

    @property
    def screened_as(self) -> str:
        return self.comparison

    @property
    def mixed_as(self) -> str:
        return self.comparison


_FROM = """
    labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
    WHERE c.project_id = %(project)s AND r.submitted_at <= %(cutoff)s
"""
_IDS = f"SELECT r.id FROM {_FROM} ORDER BY r.submitted_at, r.id"
# Votes on one comparison follow each other, where the last of them was handed in.
_IDS_BY_COMPARISON = f"""
    SELECT r.id FROM {_FROM}
    ORDER BY max(r.submitted_at) OVER (PARTITION BY r.comparison_id), r.comparison_id, r.submitted_at, r.id
"""
_ASSEMBLED = f"""
    SELECT json_build_object(
        'id', r.id, 'comparison', r.comparison_id, 'trainer', r.trainer_id, 'kind', r.kind,
        'submitted_at', {at("r.submitted_at")}, 'undone_at', {at("r.undone_at")},
        'superseded_at', (SELECT {at("s.submitted_at")} FROM labeling_ranking s
                          WHERE s.supersedes_id = r.id AND s.submitted_at <= %(cutoff)s),
        'reviews', (SELECT json_agg(json_build_array({at("v.created_at")}, v.decision, {at("v.undone_at")})
                                    ORDER BY v.created_at, v.id)
                    FROM labeling_review v WHERE v.ranking_id = r.id AND v.created_at <= %(cutoff)s),
        'golds', (SELECT json_agg(json_build_array({at("g.submitted_at")}, {at("g.undone_at")}) ORDER BY g.id)
                  FROM labeling_ranking g WHERE g.comparison_id = c.id AND g.kind = '{GOLD}'
                  AND g.submitted_at <= %(cutoff)s AND NOT {gone("g.trainer_id", "g.submitted_at")}),
        'not_rankable', r.not_rankable, 'groups', r.groups, 'ratings', r.ratings, 'flags', r.flags,
        'strengths', r.strengths, 'criteria', r.criteria, 'scales', r.scales, 'spans', r.spans,
        'reading', r.reading, 'order_shown', r.order_shown, 'seconds', r.seconds,
        'label_weight', r.label_weight, 'note', r.note, 'guideline', r.guideline_version_id,
        'comparison_kind', c.kind, 'comparison_state', c.state, 'discarded_at', {at("c.discarded_at")},
        'dialogue', c.dialogue_id, 'turn', c.turn_id, 'round', c.round_id, 'split', c.split, 'source', c.source,
        'author', c.author_id, 'withdrawn', c.withdrawn_at IS NOT NULL, 'prompt', c.prompt,
        'selection', c.selection, 'selection_margin', c.selection_margin,
        'answers', (SELECT json_agg(json_build_object(
                        'id', x.id, 'model_version', x.model_version_id, 'label', x.model_label, 'params', x.params,
                        'finish_reason', x.finish_reason, 'text', x.text, 'reasoning', x.reasoning,
                        'report', {report_of("x")},
                        'weights_hash', CASE WHEN x.model_version_id IS NOT NULL
                                        THEN x.provenance->>'weights_hash' END))
                    FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id
                    WHERE k.comparison_id = c.id))
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id WHERE r.id = ids.id
"""


def prompt_as_read(prompt: list[Message], answers: list[Answer]) -> list[Message]:
    """With the system turn that all its models read; where they read different ones, the prompt as it was asked."""
    read = [as_read(prompt, answer.report) for answer in answers if answer.report]
    return read[0] if read and all(one == read[0] for one in read) else prompt


class Rankings(Source[RankingRecord]):
    name = "rankings"
    counted = f"{_FROM} AND (r.undone_at IS NULL OR r.undone_at > %(cutoff)s)"

    def query(self, options: Options) -> str:
        return in_order(_IDS_BY_COMPARISON if options.consensus else _IDS, _ASSEMBLED)

    def parse(self, text: str) -> RankingRecord:
        row = orjson.loads(text)
        answers = {answer["id"]: Answer(**answer) for answer in row["answers"] or ()}
        row["prompt"] = prompt_as_read(row["prompt"], list(answers.values()))
        row["answers"] = [answers[cid] for cid in row["order_shown"] if cid in answers]
        if row["label_weight"] is not None:
            row["label_weight"] = float(row["label_weight"])  # PostgreSQL writes 1.0 as 1
        return RankingRecord(**row)

    def standing(self, record: RankingRecord, at: Instant, selection: Selection) -> str:
        if record.withdrawn or selection.withdrawn(record.submitted_at, record.dialogue, record.trainer, record.author):
            return rules.WITHDRAWN
        return (
            _dated(record, at.at)
            or _chosen(record, at, selection)
            or rules.filtered(record.round, record.guideline, selection)
            or _readable(record, selection)
        )

    def combine(self, records: Iterable[RankingRecord], options: Options) -> Iterator[tuple[RankingRecord, str]]:
        """One ranking a comparison where asked; without the completions that were flagged unsafe where asked."""
        if options.consensus:
            records = _consensus(records, options.consensus)
        unsafe = frozenset() if options.include_unsafe else frozenset(options.unsafe_flags)
        for record in records:
            kept = without(record, unsafe) if unsafe else record
            yield kept, f"flagged unsafe: {TOO_FEW} left" if len(kept.answers) < 2 else ""

    def judge(self, record: RankingRecord) -> int | None:
        return record.trainer

    def completions(self, record: RankingRecord) -> int:
        return 0 if record.not_rankable else len(record.answers)


def _dated(record: RankingRecord, at: str) -> str:
    """What happened to it up to `at`."""
    if record.submitted_at > at:
        return rules.AFTER
    if record.undone_at and record.undone_at <= at:
        return "undone"
    if record.superseded_at and record.superseded_at <= at:
        return "corrected later"
    if reason := rules.reviewed(record.reviews, at):
        return reason
    if record.kind != GOLD and any(since <= at and not (until and until <= at) for since, until in record.golds or ()):
        return "replaced by a gold order"
    if record.comparison_state == "discarded" and (not record.discarded_at or record.discarded_at <= at):
        return "comparison discarded"
    return ""


def _chosen(record: RankingRecord, at: Instant, selection: Selection) -> str:
    """Whether it is what was asked for."""
    options = selection.options
    if record.origin == IMPORTED:
        if not selection.mixed_in(record.source):
            return rules.NOT_MIXED
    elif record.comparison_kind not in options.kinds:
        return f"{record.comparison_kind} item"
    if record.kind == "surplus" and not options.include_surplus:
        return "surplus vote"
    if record.kind == "research" and not options.include_research:
        return "research vote"
    if record.comparison in at.disagreeing and record.kind != GOLD:
        return "agreement below the bound"
    if record.label_weight is not None and record.label_weight < options.min_label_weight:
        return "label weight below the bound"
    if options.task_types and ("chat" if record.turn else "ranking") not in options.task_types:
        return "other task type"
    return ""


def _readable(record: RankingRecord, selection: Selection) -> str:
    """Whether every reader takes its texts. An empty answer is a matter of pairs, not of the ranking."""
    if reason := rules.messages(record.prompt, selection, last="user"):
        return reason
    if any(rules.control_token(answer.text, selection) for answer in record.answers):
        return rules.CONTROL_TOKEN
    return "" if len(record.answers) > 1 else TOO_FEW


def without(record: RankingRecord, flags: frozenset[str]) -> RankingRecord:
    """The record less the completions that carry one of `flags`. Strengths go with the groups they
    stood between."""
    bad = {cid for cid, names in record.flags.items() if flags.intersection(names)}
    if not bad:
        return record
    groups = [[cid for cid in group if cid not in bad] for group in record.groups]
    return dataclasses.replace(
        record,
        groups=[group for group in groups if group],
        strengths=record.strengths if all(groups) else [],
        answers=[answer for answer in record.answers if answer.id not in bad],
    )


def _consensus(records: Iterable[RankingRecord], method: str) -> Iterator[RankingRecord]:
    """One record a comparison in place of its votes, which follow each other and count by their label weights.

    Not-rankable votes count as votes but order nothing; where they are the majority, the consensus is
    that reason.
    """
    for comparison, group in groupby(records, key=lambda record: record.comparison):
        judged = sorted(group, key=lambda vote: vote.id)
        given = [1.0 if vote.label_weight is None else vote.label_weight for vote in judged]
        shares = consensus.shares(given, len(judged))
        refused = [vote for vote in judged if vote.not_rankable]
        refuses = sum(s for vote, s in zip(judged, shares, strict=True) if vote.not_rankable) * 2 > sum(shares)
        weights = [vote.label_weight for vote in judged if vote.label_weight is not None]
        ordered = [(v.groups, weight) for v, weight in zip(judged, given, strict=True) if not v.not_rankable]
        yield dataclasses.replace(
            judged[0],
            id=comparison,
            trainer=None,
            kind=CONSENSUS,
            submitted_at=max(vote.submitted_at for vote in judged),
            not_rankable=refused[0].not_rankable if refuses else "",
            groups=[] if refuses else consensus.METHODS[method](*zip(*ordered, strict=True)),
            ratings={},
            flags=votes.majority_flags([vote.flags for vote in judged], shares),
            strengths=[],
            criteria={},
            scales=[],
            spans={},
            reading={},
            seconds=None,
            label_weight=sum(weights) / len(weights) if weights else None,
            note="",
            answers=sorted(judged[0].answers, key=lambda answer: answer.id),
            num_votes=len(judged),
        )


SOURCE = Rankings()
