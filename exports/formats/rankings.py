"""`rankings`: one row a judgement, with all completions in the order shown. The record that
`preferences` can be derived from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.formats._shared import MESSAGES, Context
from exports.records import RankingRecord
from labeling.preferences import ranks

SOURCE = "rankings"
ABOUT = "One row for each judgement: the completions in the order shown, their ranks (0 is best, equal is a tie)."
COLUMNS = {
    "id": "token",
    "context": MESSAGES,
    "completions": [
        {
            "rank": "int64",
            "completion": MESSAGES,
            "completion_id": "token",
            "model": "name",
            "overall": "int64",
            "flags": ["string"],
            "temperature": "float64",
            "top_p": "float64",
            "top_k": "int64",
            "max_tokens": "int64",
            "finish_reason": "name",
        }
    ],
    "status": "token",
    "reason": "string",
    "strengths": ["int64"],
    "prompt_id": "token",
    "dialogue_id": "token",
    "turn_id": "token",
    "annotator_id": "token",
    "created_at": "token",
    "seconds": "int64",
    "round": "int64",
    "guideline_version": "int64",
    "language": "name",
    "kind": "name",
    "source": "name",
    "label_weight": "float64",
    "num_votes": "int64",
    "note": "string",
}


def rows(record: RankingRecord, context: Context) -> Iterator[dict[str, Any]]:
    place = ranks(record.groups)
    unrankable = bool(record.not_rankable)
    context.counts["rankings"] += 1
    context.counts["not rankable"] += unrankable
    yield {
        "id": record.id,
        "context": context.messages(record.prompt),
        "completions": [
            {
                "rank": None if unrankable else place[answer.id],
                "completion": context.answer(answer.text),
                "completion_id": answer.id,
                "model": context.model_of(answer),
                "overall": record.ratings.get(answer.id),
                "flags": record.flags.get(answer.id, []),
                "temperature": _number(answer.params.get("temperature")),
                "top_p": _number(answer.params.get("top_p")),
                "top_k": answer.params.get("top_k"),
                "max_tokens": answer.params.get("max_tokens"),
                "finish_reason": answer.finish_reason,
            }
            for answer in record.answers
        ],
        "status": "not_rankable" if unrankable else "ranked",
        "reason": record.not_rankable or None,
        "strengths": record.strengths,
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
        "label_weight": record.label_weight,
        "num_votes": record.num_votes,
        "note": context.text(record.note) or None,
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
