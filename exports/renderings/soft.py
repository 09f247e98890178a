"""`soft`: every two completions of a ranking with a score; the one format that names ties, as 0.5."""

from __future__ import annotations

from itertools import combinations
from typing import TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import A_PAIR, columns_of
from exports.formats.rankings import Judgement, RankedCompletion
from exports.renderings.base import Rendering


class ScoredPair(TypedDict):
    id: str
    prompt: list[Message]
    first: list[Message]
    second: list[Message]
    score: float
    weight: float
    ranking_id: str


class SoftRendering(Rendering[Judgement]):
    of = "rankings"
    about = gettext_noop(
        "Every two completions of a ranking: score 1 where the first is better, 0 where the second is, 0.5: a tie."
    )
    columns = columns_of(ScoredPair)
    rows_a_record = A_PAIR

    def render(self, row: Judgement) -> list[ScoredPair]:
        if row["status"] != "ranked":
            return []
        pairs = list(combinations(sorted(row["completions"], key=lambda c: c["completion_id"]), 2))
        return [
            {
                "id": f"{row['id']}-{first['completion_id']}-{second['completion_id']}",
                "prompt": row["context"],
                "first": first["completion"],
                "second": second["completion"],
                "score": _score(first, second),
                "weight": 1 / len(pairs),
                "ranking_id": row["id"],
            }
            for first, second in pairs
        ]


def _score(first: RankedCompletion, second: RankedCompletion) -> float:
    one, other = first["rank"] or 0, second["rank"] or 0
    return 0.5 if one == other else float(one < other)


RENDERING = SoftRendering()
