"""Brings the compact rows (`Judgement`) up to date with the rankings in force: two statements, whatever the size.

Rankings commit a moment after they are dated, so each refresh looks back a little further than the last one
came; rows that are there already are left alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from insights.models import Ledger
from labeling.models import Project

LOOK_BACK = timedelta(minutes=15)

# Aggregated per ranking by index look-ups: a plain GROUP BY would sort every text of the project.
ADD = r"""
INSERT INTO insights_judgement (ranking_id, project_id, round_id, comparison_id, trainer_id, kind, prompt_key,
    submitted_at, seconds, sources, ranks, places, lengths, headers, lists, bolds, grades)
SELECT r.id, c.project_id, c.round_id, c.id, r.trainer_id, r.kind, c.prompt_key, r.submitted_at, r.seconds,
    a.sources, a.ranks, a.places, a.lengths, a.headers, a.lists, a.bolds, a.grades
FROM labeling_ranking r
JOIN labeling_comparison c ON c.id = r.comparison_id
CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(m.slug, nullif(t.model_label, ''), 'not said') ORDER BY d.index) AS sources,
        array_agg((place.rank - 1)::smallint ORDER BY d.index) AS ranks,
        array_agg(coalesce(shown.place - 1, d.index)::smallint ORDER BY d.index) AS places,
        array_agg(length(t.text) ORDER BY d.index) AS lengths,
        array_agg(regexp_count(t.text, '^ {0,3}#{1,6} ', 1, 'n') ORDER BY d.index) AS headers,
        array_agg(regexp_count(t.text, '^ *([-*+]|[0-9]+[.)]) ', 1, 'n') ORDER BY d.index) AS lists,
        array_agg(regexp_count(t.text, '\*\*[^*\n]+\*\*') ORDER BY d.index) AS bolds,
        array_agg((r.ratings ->> d.completion_id::text)::smallint ORDER BY d.index) AS grades
    FROM labeling_candidate d
    JOIN sampler_completion t ON t.id = d.completion_id
    LEFT JOIN sampler_modelversion m ON m.id = t.model_version_id
    JOIN LATERAL (SELECT g.rank FROM jsonb_array_elements(r.groups) WITH ORDINALITY g(ids, rank)
        WHERE g.ids ? d.completion_id::text) place ON true
    LEFT JOIN LATERAL (SELECT s.place FROM jsonb_array_elements_text(r.order_shown) WITH ORDINALITY s(id, place)
        WHERE s.id = d.completion_id::text) shown ON true
    WHERE d.comparison_id = c.id
) a
WHERE c.project_id = %(project)s AND c.kind = 'normal' AND c.state <> 'discarded'
    AND r.kind IN ('vote', 'research') AND r.groups <> '[]' AND r.undone_at IS NULL AND a.ranks IS NOT NULL
    AND (%(since)s::timestamptz IS NULL OR r.submitted_at > %(since)s::timestamptz)
    AND NOT EXISTS (SELECT 1 FROM labeling_ranking n WHERE n.supersedes_id = r.id)
    AND NOT EXISTS (SELECT 1 FROM insights_judgement j WHERE j.ranking_id = r.id)
    AND coalesce((SELECT v.decision FROM labeling_review v WHERE v.ranking_id = r.id
                  ORDER BY v.created_at DESC LIMIT 1), '') <> 'excluded'
ON CONFLICT (ranking_id) DO NOTHING
"""

REMOVE = """
DELETE FROM insights_judgement j USING labeling_ranking r, labeling_comparison c
WHERE j.project_id = %(project)s AND r.id = j.ranking_id AND c.id = j.comparison_id AND (
    r.undone_at IS NOT NULL OR c.state = 'discarded'
    OR EXISTS (SELECT 1 FROM labeling_ranking n WHERE n.supersedes_id = r.id)
    OR coalesce((SELECT v.decision FROM labeling_review v WHERE v.ranking_id = r.id
                 ORDER BY v.created_at DESC LIMIT 1), '') = 'excluded')
"""


@transaction.atomic
def catch_up(project: Project) -> int | None:
    """Add what is new, remove what is no longer in force; return how many rows changed. None: another
    process is at it."""
    Ledger.objects.get_or_create(project=project)
    ledger = Ledger.objects.select_for_update(skip_locked=True).filter(project=project).first()
    if ledger is None:
        return None
    now = timezone.now()
    since: datetime | None = ledger.up_to - LOOK_BACK if ledger.up_to else None
    with connection.cursor() as cursor:
        cursor.execute(ADD, {"project": project.pk, "since": since})
        changed = cursor.rowcount
        cursor.execute(REMOVE, {"project": project.pk})
        changed += cursor.rowcount
    Ledger.objects.filter(pk=ledger.pk).update(up_to=now)
    return changed
