"""What judgements follow besides quality: length, place on the screen, formatting, the model's suggestions, haste."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from common.stats.bias import longer_wins, position_test
from common.stats.intervals import difference, ratio
from insights.agreement import estimate
from insights.arrays import Array, Data, Pairs
from labeling.edits import edit_share

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
GROUP BY d.id ORDER BY 1
"""


EDITED = """
SELECT date_trunc('week', d.submitted_at)::date AS week, d.id, c.text, t.text
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
    """Seconds of a ranking in quartiles; and whether the quickest quarter leans more than the others to the longer
    text, or to the one shown earlier."""
    seconds = np.concatenate([block.seconds for block in data.blocks]) if data.blocks else np.zeros(0)
    known = seconds[seconds >= 0]
    if not len(known):
        return {"median": None, "fast": None, "slow": None, "longer_wins": None, "earlier_wins": None}
    fast, median, slow = np.percentile(known, [25, 50, 75])
    return {
        "median": float(median), "fast": float(fast), "slow": float(slow),
        "longer_wins": _by_haste(data, "lengths", -1, float(fast)),
        "earlier_wins": _by_haste(data, "places", 1, float(fast)),
    }  # fmt: skip


def _by_haste(data: Data, item: str, direction: int, fast: float) -> dict[str, Any]:
    """Share of strict pairs won by the smaller (`direction` 1) or larger (-1) of the two, quick and other rankings."""
    tops, bottoms, quick, prompts = [], [], [], []
    for block in data.blocks:
        i, j = np.triu_indices(block.k, 1)
        leaning = direction * np.sign(block.items[item][:, j] - block.items[item][:, i])
        told = (block.signs != 0) & (leaning != 0) & (block.seconds >= 0)[:, None]
        tops.append(((block.signs == leaning) & told).sum(axis=1))
        bottoms.append(told.sum(axis=1))
        quick.append(block.seconds <= fast)
        prompts.append(block.prompt)
    top, bottom, hasty, prompt = (np.concatenate(part) for part in (tops, bottoms, quick, prompts))
    ours, others = (top * hasty, bottom * hasty), (top * ~hasty, bottom * ~hasty)
    return {
        "quick": estimate(ratio(*ours, prompt)), "others": estimate(ratio(*others, prompt)),
        "difference": estimate(difference(ours, others, prompt)),
    }  # fmt: skip


def suggestion_use(project_id: UUID, round_id: UUID | None, names: dict[int, str]) -> dict[str, Any]:
    """Turns of demonstrations by origin: by week, and by person; and how much of an edited one is changed."""
    with connection.cursor() as cursor:
        cursor.execute(SUGGESTIONS, [project_id, round_id, round_id])
        rows = cursor.fetchall()
        cursor.execute(EDITED, [project_id, round_id, round_id, EDITED_SAMPLE])
        edits = [
            (week.isoformat(), dialogue, edit_share(before, after))
            for week, dialogue, before, after in cursor.fetchall()
        ]
    week_of = [row[0].isoformat() for row in rows]
    weeks, people = np.array(week_of, dtype=str), np.array([row[1] for row in rows], dtype=int)
    counts = np.array([row[2:] for row in rows], dtype=int).reshape(-1, 3)  # verbatim, edited, own of each dialogue
    in_order = sorted(set(week_of))
    return {
        "verbatim": _verbatim(counts),
        "edit_ratio": _changed_share(edits),
        "since_first_week": _change(counts, weeks, in_order),
        "by_week": [
            {
                "week": week,
                **_summed(counts[weeks == week]),
                "verbatim_share": _verbatim(counts[weeks == week]),
                "edit_ratio": _changed_share([edit for edit in edits if edit[0] == week]),
            }
            for week in in_order
        ],
        "by_person": sorted(
            ({"person": names.get(int(who), "?"), **_summed(counts[people == who])} for who in np.unique(people)),
            key=lambda row: -(row["verbatim"] + row["edited"] + row["own"]),
        ),
    }


def _summed(counts: Array) -> dict[str, int]:
    return dict(zip(("verbatim", "edited", "own"), (int(n) for n in counts.sum(axis=0)), strict=True))


def _verbatim(counts: Array) -> dict[str, Any]:
    """Share of turns taken as they were; each row is a dialogue, and dialogues are what is resampled."""
    return estimate(ratio(counts[:, 0], counts.sum(axis=1), np.arange(len(counts))))


def _changed_share(edits: list[tuple[str, UUID, float]]) -> dict[str, Any]:
    """Mean share of its characters by which an edited suggestion was changed."""
    return estimate(ratio([edit[2] for edit in edits], np.ones(len(edits)), [str(edit[1]) for edit in edits]))


def _change(counts: Array, weeks: Array, in_order: list[str]) -> dict[str, Any] | None:
    """By how much the verbatim share of the last week differs from that of the first."""
    if len(in_order) < 2:
        return None
    parts = [
        (counts[:, 0] * (weeks == week), counts.sum(axis=1) * (weeks == week)) for week in (in_order[-1], in_order[0])
    ]
    return estimate(difference(parts[0], parts[1], np.arange(len(counts))))
