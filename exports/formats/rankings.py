"""`rankings`: one row a judgement, with all completions in the order shown. The record that
`preferences` can be derived from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from common.shapes import Json, Message
from exports.formats._with_judges import AI, SOURCE
from exports.formats.base import Context, Format, columns_of
from exports.sources.rankings import Answer, RankingRecord
from labeling.preferences import ranks
from labeling.spans import plain


class Graded(TypedDict):
    name: str
    grade: int


class Marked(TypedDict):
    start: int
    end: int
    category: str
    comment: str


class Scale(TypedDict):
    name: str
    steps: int


class RankedCompletion(TypedDict):
    rank: int | None
    completion: list[Message]
    completion_id: str
    model: str | None
    overall: int | None
    flags: list[str]
    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    finish_reason: str
    reasoning: str | None
    criteria: list[Graded]
    spans: list[Marked]
    seconds: int | None
    place_proposed: bool | None


class Judgement(TypedDict):
    id: str
    context: list[Message]
    completions: list[RankedCompletion]
    status: str
    reason: str | None
    strengths: list[int]
    scales: list[Scale]
    prompt_id: str
    dialogue_id: str | None
    turn_id: str | None
    annotator_id: str | None
    created_at: str
    seconds: int | None
    round: int | None
    guideline_version: int | None
    language: str
    kind: str
    source: str | None
    selection: str | None
    selection_margin: float | None
    label_weight: float | None
    num_votes: int | None
    note: str | None


class Rankings(Format[RankingRecord, Judgement]):
    source = SOURCE
    about = "One row for each judgement: the completions in the order shown, their ranks (0 is best, equal is a tie)."
    columns = columns_of(Judgement)

    def rows(self, record: RankingRecord, context: Context) -> Iterator[Judgement]:
        place = ranks(record.groups)  # empty where nothing could be ranked
        context.counts["rankings"] += 1
        context.counts["not rankable"] += bool(record.not_rankable)
        context.counts["rankings by AI judges"] += record.kind == AI
        yield {
            "id": record.id,
            "context": context.messages(record.prompt),
            "completions": [_completion(answer, place.get(answer.id), record, context) for answer in record.answers],
            "status": "not_rankable" if record.not_rankable else "ranked",
            "reason": record.not_rankable or None,
            "strengths": record.strengths,
            "scales": [{"name": scale["name"], "steps": scale["steps"]} for scale in record.scales],
            "prompt_id": record.comparison,
            "dialogue_id": record.dialogue,
            "turn_id": record.turn,
            "annotator_id": context.name(record.trainer),
            "created_at": record.submitted_at,
            "seconds": record.seconds,
            "round": context.rounds.get(record.round or ""),
            "guideline_version": context.guidelines.get(record.guideline or ""),
            "language": context.language,
            "kind": record.kind,
            "source": record.source or None,
            "selection": record.selection or None,
            "selection_margin": record.selection_margin,
            "label_weight": record.label_weight,
            "num_votes": record.num_votes,
            "note": context.text(record.note) or None,
        }


def _completion(answer: Answer, rank: int | None, record: RankingRecord, context: Context) -> RankedCompletion:
    params, read = answer.params, record.reading.get(answer.id)
    written = context.answer(answer.text)
    return {
        "rank": rank,
        "completion": written,
        "completion_id": answer.id,
        "model": context.model(answer.model_version, answer.label, answer.weights_hash),
        "overall": record.ratings.get(answer.id),
        "flags": record.flags.get(answer.id, []),
        "temperature": _float(params.get("temperature")),
        "top_p": _float(params.get("top_p")),
        "top_k": _int(params.get("top_k")),
        "max_tokens": _int(params.get("max_tokens")),
        "finish_reason": answer.finish_reason,
        "reasoning": (context.text(answer.reasoning) or None) if context.include_reasoning else None,
        "criteria": _grades(record.criteria.get(answer.id, {}), record),
        "spans": _marks(answer, written[0]["content"], record, context),
        "seconds": _int(read.get("seconds")) if read else None,
        "place_proposed": bool(read.get("proposed")) if read else None,
    }


def _grades(given: dict[str, int], record: RankingRecord) -> list[Graded]:
    return [{"name": scale["name"], "grade": given[scale["name"]]} for scale in record.scales if scale["name"] in given]


def _marks(answer: Answer, written: str, record: RankingRecord, context: Context) -> list[Marked]:
    """Marks, counted in the text as it is `written`. On one that redaction changed they would point elsewhere."""
    text = plain(answer.text)
    lead, length = len(text) - len(text.lstrip()), len(written)
    given = record.spans.get(answer.id, [])
    if given and written != text.strip():
        context.counts["marks on redacted texts"] += len(given)
        return []
    kept: list[Marked] = []
    for mark in given:
        start, end = max(0, mark["start"] - lead), min(length, mark["end"] - lead)
        if start < end:
            comment = context.text(mark["comment"])
            kept.append({"start": start, "end": end, "category": mark["category"], "comment": comment})
    return kept


def _float(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _int(value: Json) -> int | None:
    return value if isinstance(value, int) else None


FORMAT = Rankings()
