"""Gives verdicts on new texts; a lost or doubled run does no harm."""

from __future__ import annotations

from celery import shared_task

from common.advisory_lock import try_advisory_lock
from labeling.models import Project
from moderation import rejudging, verdicts

SHARE = 5.0  # seconds for one filter on one kind of text: a slow one must not keep other projects waiting


@shared_task(name="moderation.tasks.screen", expires=25)
def screen() -> None:
    with try_advisory_lock("moderation.screen") as mine:
        if not mine:
            return
        for project in Project.objects.active():
            rejudging.apply(project)
            for name in verdicts.in_worker(project):
                verdicts.screen(project, name, seconds=SHARE)


@shared_task(name="moderation.tasks.rejudge")
def rejudge(project_id: str) -> int:
    """New thresholds on the verdicts on record, at once; `screen` finds what a lost message left."""
    with try_advisory_lock("moderation.screen") as mine:
        project = Project.objects.filter(pk=project_id).first()
        return rejudging.apply(project) if mine and project is not None else 0
