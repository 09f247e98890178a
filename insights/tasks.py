"""Keeps the reports of active projects fresh; a lost or doubled run does no harm."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db.models import Exists, OuterRef, Q

from common.advisory_lock import try_advisory_lock
from insights import reports, rounds
from insights.models import Report
from insights.report_parts import SHAPE
from labeling.models import Project

log = logging.getLogger(__name__)


@shared_task(name="insights.tasks.refresh", expires=110)
def refresh() -> None:
    """Bring every active project's reports up to date; an archived one gets its report once."""
    with try_advisory_lock("insights.refresh") as mine:
        if mine:
            _refresh()


def _refresh() -> None:
    reported = Exists(Report.objects.filter(project=OuterRef("pk"), round=None, data__shape=SHAPE))
    for project in Project.objects.filter(Q(archived_at__isnull=True) | ~reported, throwaway=False):
        try:
            rounds.refresh(project, changed=reports.refresh(project))
        except Exception:  # one project's trouble must not keep the others from their numbers
            log.exception("insights of %s could not be made", project.slug)
