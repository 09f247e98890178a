"""Verdicts of filters that are too heavy for the default worker, on texts that nobody waited for.

Sampler workers call this by the name that the settings give it: only they load models.
"""

from __future__ import annotations

from common.advisory_lock import try_advisory_lock
from labeling.models import Project
from moderation import verdicts
from screening.filters.base import FILTERS
from screening.rules import plan_for

AT_ONCE = 100  # texts of each kind,
SHARE = 5.0  # and seconds for them, so that those of other projects have their turn


def screen() -> None:
    """One round over all projects; one worker at a time."""
    with try_advisory_lock("moderation.in_samplers") as mine:
        if not mine:
            return
        for project in Project.objects.active():
            for rule in plan_for(project.pk).rules:
                if not FILTERS.load(rule.filter).in_worker:
                    verdicts.screen(project, rule.filter, limit=AT_ONCE, seconds=SHARE)
