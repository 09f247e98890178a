"""What a withdrawal asks of data sets on the Hub: which hold, in one of their versions, what a person has withdrawn.

The Hub keeps every version, so the oldest that was pushed counts. Reads only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.models import Push, Repository
from labeling.models import Membership

if TYPE_CHECKING:
    from labeling.models import Project


def pushed(project: Project) -> QuerySet[Repository]:
    """The project's data sets that are on the Hub and hold an export."""
    there = Push.objects.filter(repository=OuterRef("pk"), state=Push.State.FINISHED)
    made = (Repository.State.MADE, Repository.State.LEAVING)
    return Repository.objects.filter(Exists(there), project=project, state__in=made).order_by("name")


def to_take_back(project: Project) -> QuerySet[Repository]:
    """Those that hold an export from before somebody's withdrawal and were not taken back yet."""
    left = Membership.objects.filter(project=project, withdrawn_at__gt=OuterRef("export__cutoff"))
    before = Push.objects.filter(Q(Exists(left)), repository=OuterRef("pk"), state=Push.State.FINISHED)
    return pushed(project).filter(Exists(before), state=Repository.State.MADE)
