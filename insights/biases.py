"""What judgements follow besides quality: length, place on the screen, formatting, the model's suggestions, haste."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from rapidfuzz.distance import Levenshtein

from common.stats.bias import longer_wins, position_test
from common.stats.intervals import ratio
from insights.agreement import estimate
from insights.arrays import Data, Pairs

SUGGESTIONS = """
SELECT date_trunc('week', d.submitted_at)::date AS week, d.author_id,
    count(*) FILTER (WHERE t.completion_id IS NOT NULL AND btrim(c.text) = btrim(t.text)) AS verbatim,
    count(*) FILTER (WHERE t.completion_id IS NOT NULL AND btrim(c.text) <> btrim(t.text)) AS edited,
    count(*) FILTER (WHERE t.completion_id IS NULL) AS own
FROM labeling_turn t
JOIN labeling_dialogue d ON d.id = t.dialogue_id
LEFT JOIN sampler_completion c ON c.id = t.completion_id
WHERE d.project_id = %s AND d.kind = 'demonstration' AND d.state IN ('submitted', 'accepted') AND t.role <> 'system'
    AND (%s::uuid IS NULL OR d.round_id = %s::uuid)
GROUP BY 1, 2 ORDER BY 1
"""


EDITED = """
SELECT date_trunc('week', d.submitted_at)::date AS week, c.text, t.text
FROM labeling_turn t
JOIN labeling_dialogue d ON d.id = t.dialogue_id
JOIN sampler_completion c ON c.id = t.completion_id
WHERE d.project_id = %s AND d.kind = 'demonstration' AND d.state IN ('submitted', 'accepted')
    AND btrim(c.text) <> btrim(t.text) AND (%s::uuid IS NULL OR d.round_id = %s::uuid)
ORDER BY d.submitted_at DESC LIMIT %s
"""
EDITED_SAMPLE = 2000  # the newest edited turns


def biases(data: Data, pairs: Pairs, effects: dict[str, Any]) -> dict[str, Any]:
    strict = pairs.strict
    won = pairs.outcome[strict] == 1
    first, second = pairs.first_items["lengths"][strict], pairs.second_items["lengths"][strict]
    longer = longer_wins(np.where(won, first, second), np.where(won, second, first), pairs.prompt[strict])
    near = strict & (
        np.abs(pairs.first_items["lengths"] - pairs.second_items["lengths"])
        <= 0.1 * np.maximum(pairs.first_items["lengths"], pairs.second_items["lengths"])
    )
    earlier = np.where(pairs.first_items["places"] < pairs.second_items["places"], pairs.outcome, 1 - pairs.outcome)
    return {
        "longer_wins": estimate(longer),
        "pairs_of_matched_length": int(near.sum()),
        "earlier_wins": estimate(ratio(earlier * strict, strict, pairs.prompt))
        if len(pairs)
        else estimate(ratio([], [], [])),
        "position": asdict(position_test(_winners(data))),
        "effects": effects,
        "speed": _speed(data),
    }


def _winners(data: Data) -> list[tuple[int, list[int]]]:
    """(K, places on the screen of the best group) of every ranking."""
    found: list[tuple[int, list[int]]] = []
    for block in data.blocks:
        best = block.items["ranks"] == 0
        alone = best.sum(axis=1) == 1
        places = block.items["places"]
        found.extend((block.k, [int(p)]) for p in places[alone, np.argmax(best[alone], axis=1)])
        for row in np.flatnonzero(~alone):
            found.append((block.k, [int(p) for p in places[row][best[row]]]))
    return found


def _speed(data: Data) -> dict[str, Any]:
    """Seconds of a ranking: quartiles, and how often quick ones (the fastest quarter) prefer the longer text."""
    seconds = np.concatenate([block.seconds for block in data.blocks]) if data.blocks else np.zeros(0)
    known = seconds[seconds >= 0]
    if not len(known):
        return {"median": None, "fast": None, "slow": None}
    fast, median, slow = np.percentile(known, [25, 50, 75])
    return {"median": float(median), "fast": float(fast), "slow": float(slow)}


def suggestion_use(project_id: UUID, round_id: UUID | None, names: dict[int, str]) -> dict[str, Any]:
    """Turns of demonstrations by origin: by week, and by person."""
    with connection.cursor() as cursor:
        cursor.execute(SUGGESTIONS, [project_id, round_id, round_id])
        rows = cursor.fetchall()
        cursor.execute(EDITED, [project_id, round_id, round_id, EDITED_SAMPLE])
        edits: dict[str, list[float]] = {}
        for week, before, after in cursor.fetchall():
            edits.setdefault(week.isoformat(), []).append(Levenshtein.normalized_distance(before, after))
    weeks: dict[str, list[int]] = {}
    people: dict[int, list[int]] = {}
    for week, author, *counts in rows:
        for table, key in ((weeks, week.isoformat()), (people, author)):
            kept = table.setdefault(key, [0, 0, 0])  # type: ignore[attr-defined, call-overload]
            for at, count in enumerate(counts):
                kept[at] += count
    return {
        "by_week": [
            {
                "week": week,
                "verbatim": c[0],
                "edited": c[1],
                "own": c[2],
                "edit_ratio": float(np.mean(edits[week])) if week in edits else None,
            }
            for week, c in weeks.items()
        ],
        "by_person": [
            {"person": names.get(person, "?"), "verbatim": c[0], "edited": c[1], "own": c[2]}
            for person, c in sorted(people.items(), key=lambda item: -sum(item[1]))
        ],
    }
