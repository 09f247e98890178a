"""What waits for a reviewer in one project: how much, and what comes next. Reads only.

Each page of a reviewer asks it. From whom no text is kept, which is nearly everybody, it is asked in the same words
each time: compiled queries, planned each time, since how much waits hangs on the project and on the reviewer. Whatever
else is asked of the queue goes through `reviews.queue`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from common.compiled import planned_each_time
from labeling import offering
from labeling.models import Project, ReviewItem
from labeling.quality import reviews

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.models.reviews import ReviewItemQuerySet


def everything(project: Project, reviewer: User) -> QuerySet[ReviewItem]:
    """What `reviews.queue` finds for a reviewer who `is_given_everything`."""
    return ReviewItem.objects.waiting().filter(project=project).not_by(reviewer)


def is_given_everything(project: Project, reviewer: User) -> bool:
    return not project.exposure_minutes and not offering.opted_out(reviewer)


def count(project: Project, reviewer: User) -> int:
    if is_given_everything(project, reviewer):
        return sum(n for _, n in _counted(project, reviewer))
    return reviews.queue([project], reviewer).count()


def counts(projects: Collection[Project], reviewer: User) -> Counter[UUID]:
    """Of each of these projects."""
    found: Counter[UUID] = Counter()
    if all(is_given_everything(project, reviewer) for project in projects):
        rows = _numbers(ReviewItem.objects.filter(project__in=projects), reviewer)
    else:
        queue = reviews.queue(projects, reviewer).select_related(None).order_by()
        rows = queue.values_list("project").annotate(n=Count("*"))
    for project, n in rows:
        found[project] += n
    return found


def following(project: Project, reviewer: User, *, after: ReviewItem) -> ReviewItem | None:
    """What comes after that item, and after the last the first again."""
    if not is_given_everything(project, reviewer):
        return following_of(reviews.queue([project], reviewer), after=after)
    found = _later(project, reviewer, after.created_at, after.pk) or _others(project, reviewer, after.pk)
    return min(found, key=lambda item: (item.created_at, item.pk), default=None)


def following_of(items: QuerySet[ReviewItem], *, after: ReviewItem) -> ReviewItem | None:
    """The same, of these items."""
    rows = items.select_related(None).order_by("created_at", "pk")
    return rows.filter(_is_later(after.created_at, after.pk)).first() or rows.exclude(pk=after.pk).first()


def _is_later(moment: datetime, pk: UUID) -> Q:
    return Q(created_at__gt=moment) | Q(created_at=moment, pk__gt=pk)


@planned_each_time
def _counted(project: Project, reviewer: User) -> QuerySet[ReviewItem, tuple[UUID, int]]:
    return _numbers(ReviewItem.objects.filter(project=project), reviewer)


def _numbers(items: ReviewItemQuerySet, reviewer: User) -> QuerySet[ReviewItem, tuple[UUID, int]]:
    """By project, of rankings and of dialogues."""
    rankings, dialogues = (
        some.order_by().values_list("project").annotate(n=Count("*")) for some in _apart(items, reviewer)
    )
    return rankings.union(dialogues, all=True)


@planned_each_time
def _later(project: Project, reviewer: User, moment: datetime, pk: UUID) -> QuerySet[ReviewItem]:
    """The first ranking and the first dialogue."""
    later = ReviewItem.objects.filter(_is_later(moment, pk), project=project, created_at__gte=moment)
    return _firsts(later, reviewer)


@planned_each_time
def _others(project: Project, reviewer: User, pk: UUID) -> QuerySet[ReviewItem]:
    return _firsts(ReviewItem.objects.filter(project=project).exclude(pk=pk), reviewer)


def _firsts(items: ReviewItemQuerySet, reviewer: User) -> QuerySet[ReviewItem]:
    rankings, dialogues = (some.order_by("created_at", "pk")[:1] for some in _apart(items, reviewer))
    return rankings.union(dialogues, all=True)


def _apart(items: ReviewItemQuerySet, reviewer: User) -> tuple[QuerySet[ReviewItem], QuerySet[ReviewItem]]:
    """The rankings and the dialogues that wait for the reviewer: `everything` in two queries, of each of which
    PostgreSQL knows how much it finds, so that it counts them in a third of the time."""
    rankings = items.waiting_rankings().exclude(ranking__trainer=reviewer)
    return rankings, items.waiting_dialogues().exclude(dialogue__author=reviewer)
