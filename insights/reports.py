"""Reports of a project: made, kept as of an instant, and given to the dashboards and to REST.

`refresh` (the beat task) brings them up to date every few minutes; a page never computes. What they hold is made in
`insights/report_parts.py` and described in `insights/report_types.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from common.compiled import compiled
from insights import judgements
from insights.judgement_arrays import read
from insights.models import Ledger, Report
from insights.report_parts import SHAPE, build
from insights.report_types import ReportData
from labeling.models import Dialogue, Project, Ranking, Round

MAX_AGE = timedelta(minutes=5)
AT_ONCE = 2000  # rankings that a page may wait for


def insights_of(project: Project, round: Round | None = None) -> ReportData | None:
    """The last report of the project, over all rounds or one; made now where there is none yet and little to read.
    None: another process is making it just now, or the next beat will."""
    found = _kept(project, round)
    if found is None and quickly_read(project):
        refresh(project, force=True)
        found = _kept(project, round)
    if found is None:
        return None
    data: ReportData = found.data
    return {**data, "as_of": found.as_of.isoformat()}


def of_projects(projects: Collection[Project]) -> QuerySet[Report]:
    """The kept reports over all rounds of these projects."""
    return Report.objects.filter(project__in=projects, round=None, data__shape=SHAPE)


def _kept(project: Project, round: Round | None) -> Report | None:
    found = _of_all_rounds(project) if round is None else _of_round(project, round)
    return next(iter(found), None)


@compiled
def _of_all_rounds(project: Project) -> QuerySet[Report]:
    """At most one, and so is `_of_round`."""
    return Report.objects.filter(project=project, round=None, data__shape=SHAPE).order_by()


@compiled
def _of_round(project: Project, round: Round) -> QuerySet[Report]:
    return Report.objects.filter(project=project, round=round, data__shape=SHAPE).order_by()


def quickly_read(project: Project) -> bool:
    return Ranking.objects.filter(comparison__project=project).order_by()[: AT_ONCE + 1].count() <= AT_ONCE


def refresh(project: Project, *, force: bool = False) -> bool:
    """Bring the project's reports up to date; False where another process is at it or nothing changed."""
    started_at = timezone.now()
    interrupted = Ledger.objects.filter(project=project, unreported=True).exists()
    changed = judgements.catch_up(project)
    if changed is None:
        return False
    force = force or interrupted
    kept = _kept(project, None)
    if kept and not changed and not force and not _other_news(project, kept.as_of):
        Report.objects.filter(project=project).update(as_of=started_at)
        return False
    data = read(project.pk)
    names = {user.pk: str(user) for user in User.objects.filter(memberships__project=project)}
    for round_ in [None, *_touched(project, changed, None if force else kept)]:
        began = time.monotonic()
        part = data if round_ is None else data.of_round(round_.pk)
        report = build(project, round_, part, names)
        Report.objects.update_or_create(
            project=project, round=round_,
            defaults={"as_of": started_at, "data": report, "took_ms": round(1000 * (time.monotonic() - began))},
        )  # fmt: skip
    Report.objects.filter(project=project).update(as_of=started_at)
    Ledger.objects.filter(project=project).update(unreported=False)
    return True


def _touched(project: Project, changed: Counter[UUID | None], kept: Report | None) -> list[Round]:
    """The rounds whose reports may say something else now; closed ones seldom do, and there may be many."""
    rounds = list(Round.objects.filter(project=project).order_by("number"))
    if kept is None:
        return rounds
    fresh = Q(submitted_at__gt=kept.as_of) | Q(undone_at__gt=kept.as_of)
    written = set(Dialogue.objects.filter(fresh, project=project).order_by().values_list("round", flat=True).distinct())
    lately = kept.as_of - MAX_AGE
    return [r for r in rounds if r.closed_at is None or r.closed_at > lately or r.pk in changed or r.pk in written]


def _other_news(project: Project, since: datetime) -> bool:
    fresh = Q(submitted_at__gt=since) | Q(undone_at__gt=since)
    return (
        Dialogue.objects.filter(fresh, project=project).exists()
        or Ranking.objects.filter(fresh, comparison__project=project).exists()
    )
