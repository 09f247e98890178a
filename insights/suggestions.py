"""What becomes of the model's suggestions in demonstrations: taken as they were, edited, or not used."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from common.stats.arrays import Integers
from common.stats.intervals import difference_of_shares, ratio
from insights.report_types import Origins, Share, SuggestionUse, share
from labeling.edits import edit_share

Texts = NDArray[np.str_]
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


def suggestion_use(project_id: UUID, round_id: UUID | None, names: dict[int, str]) -> SuggestionUse:
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


def _summed(counts: Integers) -> Origins:
    verbatim, edited, own = (int(n) for n in counts.sum(axis=0))
    return {"verbatim": verbatim, "edited": edited, "own": own}


def _verbatim(counts: Integers) -> Share:
    """Share of turns taken as they were; each row is a dialogue, and dialogues are what is resampled."""
    return share(ratio(counts[:, 0], counts.sum(axis=1), np.arange(len(counts))))


def _changed_share(edits: list[tuple[str, UUID, float]]) -> Share:
    """Mean share of its characters by which an edited suggestion was changed."""
    return share(ratio([edit[2] for edit in edits], np.ones(len(edits)), [str(edit[1]) for edit in edits]))


def _change(counts: Integers, weeks: Texts, in_order: list[str]) -> Share | None:
    """By how much the verbatim share of the last week differs from that of the first."""
    if len(in_order) < 2:
        return None
    parts = [
        (counts[:, 0] * (weeks == week), counts.sum(axis=1) * (weeks == week)) for week in (in_order[-1], in_order[0])
    ]
    return share(difference_of_shares(parts[0], parts[1], np.arange(len(counts))))
