"""Gives verdicts on new texts; a lost or doubled run does no harm."""

from __future__ import annotations

from celery import shared_task

from common.advisory_lock import try_advisory_lock
from labeling.models import Project
from moderation import verdicts


@shared_task(name="moderation.tasks.screen", expires=25)
def screen() -> None:
    with try_advisory_lock("moderation.screen") as mine:
        if not mine:
            return
        for project in Project.objects.active():
            for name in verdicts.in_worker(project):
                verdicts.screen(project, name)
