"""`soft`: every two completions of a ranking with a score; the one format that names ties, as 0.5."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from exports.formats._shared import A_ROW_A_PAIR, MESSAGES

OF = "rankings"
EXPECTED = A_ROW_A_PAIR
ABOUT = "Every two completions of a ranking: score 1 where the first is better, 0 where the second is, 0.5 for a tie."
COLUMNS = {
    "id": "token",
    "prompt": MESSAGES,
    "first": MESSAGES,
    "second": MESSAGES,
    "score": "float64",
    "weight": "float64",
    "ranking_id": "token",
}


def render(row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["status"] != "ranked":
        return []
    pairs = list(combinations(sorted(row["completions"], key=lambda c: c["completion_id"]), 2))
    return [
        {
            "id": f"{row['id']}-{first['completion_id']}-{second['completion_id']}",
            "prompt": row["context"],
            "first": first["completion"],
            "second": second["completion"],
            "score": 0.5 if first["rank"] == second["rank"] else float(first["rank"] < second["rank"]),
            "weight": 1 / len(pairs),
            "ranking_id": row["id"],
        }
        for first, second in pairs
    ]
