"""What waits for a reviewer in one project: how much, and what comes next. Reads only.

Each page of a reviewer asks it. From whom no text is kept, which is nearly everybody, it is asked in the same words
each time: compiled queries. Whatever else is asked of the queue goes through `reviews.queue`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from common.compiled import compiled
from labeling import offering
from labeling.models import Project, ReviewItem
from labeling.quality import reviews

if TYPE_CHECKING:
    from accounts.models import User


def everything(project: Project, reviewer: User) -> QuerySet[ReviewItem]:
    """What `reviews.queue` finds for a reviewer who `is_given_everything`."""
    return ReviewItem.objects.waiting().filter(project=project).not_by(reviewer)


def is_given_everything(project: Project, reviewer: User) -> bool:
    return not project.exposure_minutes and not offering.opted_out(reviewer)


def count(project: Project, reviewer: User) -> int:
    if is_given_everything(project, reviewer):
        return next(iter(_counted(project, reviewer)), 0)
    return reviews.queue([project], reviewer).count()


def following(project: Project, reviewer: User, *, after: ReviewItem) -> ReviewItem | None:
    """What comes after that item, and after the last the first again."""
    if not is_given_everything(project, reviewer):
        return following_of(reviews.queue([project], reviewer), after=after)
    later = _later(project, reviewer, after.created_at, after.pk)
    return next(iter(later or _others(project, reviewer, after.pk)), None)


def following_of(items: QuerySet[ReviewItem], *, after: ReviewItem) -> ReviewItem | None:
    """The same, of these items."""
    rows = items.select_related(None).order_by("created_at", "pk")
    return rows.filter(_is_later(after.created_at, after.pk)).first() or rows.exclude(pk=after.pk).first()


def _is_later(moment: datetime, pk: UUID) -> Q:
    return Q(created_at__gt=moment) | Q(created_at=moment, pk__gt=pk)


@compiled
def _counted(project: Project, reviewer: User) -> QuerySet[ReviewItem, int]:
    rows = everything(project, reviewer).order_by().values("project").annotate(n=Count("*"))
    return rows.values_list("n", flat=True)


@compiled
def _later(project: Project, reviewer: User, moment: datetime, pk: UUID) -> QuerySet[ReviewItem]:
    return everything(project, reviewer).filter(_is_later(moment, pk)).order_by("created_at", "pk")[:1]


@compiled
def _others(project: Project, reviewer: User, pk: UUID) -> QuerySet[ReviewItem]:
    return everything(project, reviewer).exclude(pk=pk).order_by("created_at", "pk")[:1]
