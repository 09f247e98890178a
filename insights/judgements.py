"""Brings the compact rows (`Judgement`) up to date with the rankings in force, in batches that commit as they go.

Rankings commit a moment after they are dated, so each refresh looks back a little further than the last one
came; rows that are there already are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from insights.models import Ledger
from labeling.models import Project
from labeling.quality.overlap import ASKED_FOR_MORE

Values = dict[str, UUID | list[UUID] | datetime | int | None]
LOOK_BACK = timedelta(minutes=15)
BATCH = 4000  # rankings in a statement: a second's work, which is committed before the next
LISTED = 100_000  # ids held at a time

# Rankings whose last review excludes them.
EXCLUDED = """SELECT e.ranking_id FROM (SELECT DISTINCT ON (v.ranking_id) v.ranking_id, v.decision
        FROM labeling_review v WHERE v.ranking_id IS NOT NULL ORDER BY v.ranking_id, v.created_at DESC) e
        WHERE e.decision = 'excluded'"""

# A ranking excluded by review and accepted later is old, so those reviewed lately are looked at again too.
MISSING = f"""
SELECT r.submitted_at, r.id FROM labeling_ranking r
JOIN labeling_comparison c ON c.id = r.comparison_id
WHERE c.project_id = %(project)s AND c.kind = 'normal' AND c.state <> 'discarded'
    AND r.kind IN ('vote', 'research') AND r.groups <> '[]' AND r.undone_at IS NULL
    AND (%(since)s::timestamptz IS NULL OR r.submitted_at > %(since)s::timestamptz
         OR r.id IN (SELECT v.ranking_id FROM labeling_review v WHERE v.created_at > %(since)s::timestamptz))
    AND (%(at)s::timestamptz IS NULL OR (r.submitted_at, r.id) > (%(at)s::timestamptz, %(after)s::uuid))
    AND NOT EXISTS (SELECT 1 FROM labeling_ranking n WHERE n.supersedes_id = r.id)
    AND NOT EXISTS (SELECT 1 FROM insights_judgement j WHERE j.ranking_id = r.id)
    AND r.id NOT IN ({EXCLUDED})
ORDER BY r.submitted_at, r.id LIMIT %(limit)s
"""

# Everything by whole sets: the places of a batch's rankings, and each of its texts looked at once. A text without
# the sign that a pattern needs is not searched for the pattern.
ADD = rf"""
WITH wanted AS MATERIALIZED (
    SELECT r.id, r.comparison_id, r.trainer_id, r.kind, r.submitted_at, r.seconds, r.groups, r.order_shown, r.ratings,
        c.project_id, c.round_id, c.prompt_key,
        c.selection IN ('margin', 'rest') OR {ASKED_FOR_MORE.format(ranking="r", comparison="c")} AS extra
    FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id WHERE r.id = ANY(%(ids)s)
), texts AS MATERIALIZED (
    SELECT d.comparison_id, d.completion_id::text AS cid, d.index,
        coalesce(m.slug, nullif(t.model_label, ''), 'not said') AS source, length(t.text) AS length,
        CASE WHEN strpos(t.text, '# ') > 0 THEN regexp_count(t.text, '^ {{0,3}}#{{1,6}} ', 1, 'n') ELSE 0 END
            AS headers,
        regexp_count(t.text, '^ *([-*+]|[0-9]+[.)]) ', 1, 'n') AS lists,
        CASE WHEN strpos(t.text, '**') > 0 THEN regexp_count(t.text, '\*\*[^*\n]+\*\*') ELSE 0 END AS bolds
    FROM labeling_candidate d
    JOIN sampler_completion t ON t.id = d.completion_id
    LEFT JOIN sampler_modelversion m ON m.id = t.model_version_id
    WHERE d.comparison_id IN (SELECT comparison_id FROM wanted)
), shared AS MATERIALIZED (
    SELECT d.comparison_id, array_agg(m.slug || ' ' || n.slug ORDER BY m.slug, n.slug) AS shared
    FROM labeling_candidate d
    JOIN labeling_candidatecopy y ON y.candidate_id = d.id
    JOIN sampler_completion t ON t.id = d.completion_id
    JOIN sampler_completion u ON u.id = y.completion_id
    JOIN sampler_modelversion m ON m.id = t.model_version_id
    JOIN sampler_modelversion n ON n.id = u.model_version_id AND n.id <> m.id
    WHERE d.comparison_id IN (SELECT comparison_id FROM wanted)
    GROUP BY d.comparison_id
), placed AS MATERIALIZED (
    SELECT w.id, i.cid, g.rank - 1 AS rank FROM wanted w
    CROSS JOIN LATERAL jsonb_array_elements(w.groups) WITH ORDINALITY g(ids, rank)
    CROSS JOIN LATERAL jsonb_array_elements_text(g.ids) i(cid)
), shown AS MATERIALIZED (
    SELECT w.id, s.cid, s.place - 1 AS place FROM wanted w
    CROSS JOIN LATERAL jsonb_array_elements_text(w.order_shown) WITH ORDINALITY s(cid, place)
), judged AS (
    SELECT w.id, array_agg(x.source ORDER BY x.index) AS sources,
        array_agg(p.rank::smallint ORDER BY x.index) AS ranks,
        array_agg(coalesce(s.place, x.index)::smallint ORDER BY x.index) AS places,
        array_agg(x.length ORDER BY x.index) AS lengths,
        array_agg(x.headers ORDER BY x.index) AS headers,
        array_agg(x.lists ORDER BY x.index) AS lists,
        array_agg(x.bolds ORDER BY x.index) AS bolds,
        array_agg((w.ratings ->> x.cid)::smallint ORDER BY x.index) AS grades
    FROM wanted w
    JOIN texts x ON x.comparison_id = w.comparison_id
    JOIN placed p ON p.id = w.id AND p.cid = x.cid
    LEFT JOIN shown s ON s.id = w.id AND s.cid = x.cid
    GROUP BY w.id
)
INSERT INTO insights_judgement (ranking_id, project_id, round_id, comparison_id, trainer_id, kind, prompt_key,
    submitted_at, seconds, sources, ranks, places, lengths, headers, lists, bolds, grades, shared, extra)
SELECT w.id, w.project_id, w.round_id, w.comparison_id, w.trainer_id, w.kind, w.prompt_key, w.submitted_at, w.seconds,
    j.sources, j.ranks, j.places, j.lengths, j.headers, j.lists, j.bolds, j.grades, coalesce(h.shared, '{{}}'), w.extra
FROM judged j JOIN wanted w ON w.id = j.id LEFT JOIN shared h ON h.comparison_id = w.comparison_id
ON CONFLICT (ranking_id) DO NOTHING RETURNING round_id
"""

REMOVE = f"""
DELETE FROM insights_judgement j USING labeling_ranking r, labeling_comparison c
WHERE j.project_id = %(project)s AND r.id = j.ranking_id AND c.id = j.comparison_id AND (
    r.undone_at IS NOT NULL OR c.state = 'discarded'
    OR EXISTS (SELECT 1 FROM labeling_ranking n WHERE n.supersedes_id = r.id)
    OR r.id IN ({EXCLUDED}))
RETURNING j.round_id
"""


def catch_up(project: Project) -> Counter[UUID | None] | None:
    """Add what is new, remove what is no longer in force; return how many rows changed in each round. None:
    another process is at it."""
    now = timezone.now()
    ledger, _ = Ledger.objects.get_or_create(project=project)
    since: datetime | None = ledger.up_to - LOOK_BACK if ledger.up_to else None
    changed: Counter[UUID | None] = Counter()
    additions: Iterator[tuple[str, Values]] = ((ADD, {"ids": ids}) for ids in _batches(project, since))
    removal: tuple[str, Values] = (REMOVE, {"project": project.pk})
    steps = chain(additions, [removal])
    for statement, values in steps:
        rounds = _changed_under_lock(project, statement, values)
        if rounds is None:
            return None
        changed.update(rounds)
    Ledger.objects.filter(project=project).update(up_to=now)
    return changed


def _batches(project: Project, since: datetime | None) -> Iterator[list[UUID]]:
    """Ids of the rankings in force that have no row yet; those made at one time lie together in the database."""
    at: datetime | None = None
    after: UUID | None = None
    while True:
        values: Values = {"project": project.pk, "since": since, "at": at, "after": after, "limit": LISTED}
        with connection.cursor() as cursor:
            cursor.execute(MISSING, values)
            rows = cursor.fetchall()
        for start in range(0, len(rows), BATCH):
            yield [ranking for _, ranking in rows[start : start + BATCH]]
        if len(rows) < LISTED:
            return
        at, after = rows[-1]


@transaction.atomic
def _changed_under_lock(project: Project, statement: str, values: Values) -> list[UUID | None] | None:
    """The rounds of the rows changed by one statement, unless another process holds the project's ledger."""
    if not Ledger.objects.select_for_update(skip_locked=True).filter(project=project).exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rounds = [row[0] for row in cursor.fetchall()]
    if rounds:
        Ledger.objects.filter(project=project).update(unreported=True)
    return rounds
