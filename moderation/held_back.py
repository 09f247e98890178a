"""Which records of a project hold a text that is blocked, or that waits for its first verdict: SQL for exports, which
read it in their own snapshot.

A record is named by the id of its prompt, dialogue, turn or comparison. A turn holds all that was said before it, a
comparison its prompt and every completion.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from screening.rules import plan_for


def _holders(texts: str) -> str:
    """SQL for the ids of all records that hold one of `texts`, a query for their ids."""
    return f"""
    WITH found AS MATERIALIZED ({texts}),
    turns AS MATERIALIZED (
        SELECT t.dialogue_id, min(t.position) AS position
        FROM labeling_turn t JOIN labeling_dialogue d ON d.id = t.dialogue_id
        WHERE d.project_id = %(project)s
          AND (t.id IN (SELECT id FROM found) OR t.completion_id IN (SELECT id FROM found))
        GROUP BY t.dialogue_id)
    SELECT id::text FROM (
        SELECT p.id FROM labeling_prompt p WHERE p.project_id = %(project)s AND p.id IN (SELECT id FROM found)
        UNION SELECT dialogue_id FROM turns
        UNION SELECT later.id FROM turns
            JOIN labeling_turn later ON later.dialogue_id = turns.dialogue_id AND later.position >= turns.position
        UNION SELECT c.id FROM turns JOIN labeling_turn drawn
            ON drawn.dialogue_id = turns.dialogue_id AND drawn.position > turns.position
            JOIN labeling_comparison c ON c.turn_id = drawn.id WHERE c.project_id = %(project)s
        UNION SELECT c.id FROM labeling_comparison c WHERE c.project_id = %(project)s
            AND (c.id IN (SELECT id FROM found) OR c.pool_prompt_id IN (SELECT id FROM found))
        UNION SELECT c.id FROM labeling_candidate k JOIN labeling_comparison c ON c.id = k.comparison_id
            WHERE c.project_id = %(project)s AND k.completion_id IN (SELECT id FROM found)) holders
    """


# Of several versions of a filter, the newest one's word counts.
BLOCKED = _holders("""
    SELECT v.target_id AS id FROM moderation_verdict v
    WHERE v.project_id = %(project)s AND v.action = 'block' AND NOT EXISTS (
        SELECT 1 FROM moderation_verdict newer
        WHERE newer.target_id = v.target_id AND newer.project_id = v.project_id AND newer.filter = v.filter
          AND newer.created_at > v.created_at AND newer.failed = '')
""")
# Every text that a record may hold. The prompt of a comparison that stands nowhere else has the comparison's id.
_TEXTS = """
    SELECT id FROM labeling_prompt WHERE project_id = %(project)s
    UNION ALL
    SELECT unnest(ARRAY[t.id, t.completion_id]) FROM labeling_turn t JOIN labeling_dialogue d ON d.id = t.dialogue_id
    WHERE d.project_id = %(project)s AND (d.submitted_at IS NOT NULL OR d.kind = 'chat')
    UNION ALL
    SELECT k.completion_id FROM labeling_candidate k JOIN labeling_comparison c ON c.id = k.comparison_id
    WHERE c.project_id = %(project)s AND c.opened_at IS NOT NULL
    UNION ALL
    SELECT id FROM labeling_comparison
    WHERE project_id = %(project)s AND opened_at IS NOT NULL AND turn_id IS NULL AND pool_prompt_id IS NULL
"""
# By %(cutoff)s, of a filter in %(filters)s. A filter that was down left a word where its project went on without it.
NOT_JUDGED = _holders(f"""
    SELECT texts.id FROM ({_TEXTS}) texts CROSS JOIN unnest(%(filters)s::text[]) AS asked(filter)
    WHERE texts.id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM moderation_verdict v
        WHERE v.target_id = texts.id AND v.project_id = %(project)s AND v.filter = asked.filter
          AND v.created_at <= %(cutoff)s)
""")
# After %(since)s: by new thresholds, or by a new version of the filter. A text that was blocked may be free again.
JUDGED_ANEW = _holders("""
    SELECT v.target_id AS id FROM moderation_verdict v
    WHERE v.project_id = %(project)s AND (v.rejudged_at > %(since)s OR v.created_at > %(since)s AND EXISTS (
        SELECT 1 FROM moderation_verdict older
        WHERE older.target_id = v.target_id AND older.project_id = v.project_id AND older.filter = v.filter
          AND older.created_at < v.created_at AND older.action = 'block'))
""")


def blocking(project: UUID, *, instants: Collection[datetime | None] = (None,)) -> list[str]:
    """The filters that block anything in the project at one of these instants; None: now."""
    plans = [plan_for(project, at=at) for at in instants]
    return sorted({rule.filter for plan in plans for rule in plan.rules if rule.blocks})
