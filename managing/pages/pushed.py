"""A project's data sets on the Hub as its page shows them: what lies there, who pushed it, what a withdrawal asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.models import Push, Repository
from labeling.models import Membership
from managing.pages.exporting import name_of

if TYPE_CHECKING:
    from datetime import datetime

    from labeling.models import Project

SHOWN = 20  # data sets on the page, and pushes of each


@dataclass(frozen=True)
class OnHub:
    """A data set with its pushes, newest first."""

    repository: Repository
    pushes: Sequence[tuple[Push, str]]  # each with the name of its export
    withdrawn: int  # people who withdrew after something of theirs may have been pushed

    @property
    def underway(self) -> bool:
        moving = (Push.State.QUEUED, Push.State.RUNNING)
        return self.repository.state == "leaving" or any(push.state in moving for push, _ in self.pushes)

    @property
    def can_leave(self) -> bool:
        return self.repository.state == "made" and not self.underway


def on_hub(project: Project) -> list[OnHub]:
    repositories = list(Repository.objects.filter(project=project).select_related("made_by", "left_by")[:SHOWN])
    pushes: dict[int, list[Push]] = defaultdict(list)
    rows = Push.objects.filter(repository__in=repositories).select_related("requested_by", "export")
    for push in rows.defer("export__manifest").order_by("-created_at")[: SHOWN * SHOWN]:
        pushes[push.repository_id].append(push)
    left = list(
        Membership.objects.filter(project=project, withdrawn_at__isnull=False).values_list("withdrawn_at", flat=True)
    )
    return [
        OnHub(one, [(push, name_of(push.export)) for push in pushes[one.pk][:SHOWN]], _since(pushes[one.pk], left))
        for one in repositories
    ]


def _since(pushes: Sequence[Push], left: Sequence[datetime | None]) -> int:
    """The Hub keeps every version, so the oldest that was pushed counts."""
    there = [push.export.cutoff for push in pushes if push.state == Push.State.FINISHED]
    return sum(moment is not None and moment > min(there) for moment in left) if there else 0
