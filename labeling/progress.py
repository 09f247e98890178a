"""How far a project is, in numbers. Reads only; what the numbers mean for quality is in `insights`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from common.clock import midnight
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking, ReviewItem
from labeling.projects import current_round
from labeling.quality import reviews

if TYPE_CHECKING:
    from accounts.models import User


class Progress(TypedDict):
    """Of a whole project."""

    round: int | None
    comparisons: dict[str, int]
    votes_wanted: int
    votes_given: int
    leased: int
    dialogues: dict[str, dict[str, int]]
    today: int


def progress_of(project: Project) -> Progress:
    """Counts by state, of the whole project."""
    comparisons = Comparison.objects.filter(project=project)
    by_state = dict(comparisons.order_by().values_list("state").annotate(n=Count("*")))
    wanted = comparisons.filter(state=Comparison.State.OPEN).aggregate(n=Sum("votes_wanted"))["n"] or 0
    votes = Ranking.objects.in_force().filter(comparison__project=project, kind=Ranking.Kind.VOTE)
    dialogues: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, state, n in (
        Dialogue.objects.filter(project=project).order_by().values_list("kind", "state").annotate(n=Count("*"))
    ):
        dialogues[kind][state] = n
    round_ = current_round(project)
    return {
        "round": round_.number if round_ else None,
        "comparisons": by_state,
        "votes_wanted": wanted,
        "votes_given": votes.count(),
        "leased": Assignment.objects.leased().filter(comparison__project=project).count(),
        "dialogues": dict(dialogues),
        "today": votes.filter(submitted_at__gte=midnight()).count(),
    }


def to_review(projects: Collection[Project], *, reviewer: User) -> dict[UUID, int]:
    """How much waits for this reviewer in each of these projects."""
    rows = _to_review(projects, reviewer).order_by()
    return {project.pk: 0 for project in projects} | dict(rows)


def _to_review(projects: Collection[Project], reviewer: User) -> QuerySet[ReviewItem, tuple[UUID, int]]:
    return reviews.queue(projects, reviewer).select_related(None).values_list("project").annotate(n=Count("*"))


def glance_at(projects: Collection[Project], *, reviewer: User) -> dict[UUID, dict[str, int]]:
    """What a manager asks first in the morning, of many projects in as many queries as of one: rankings
    since midnight, people at work, comparisons open for votes, and what waits for this reviewer."""
    counts = {
        "today": Ranking.objects.in_force()
        .filter(comparison__project__in=projects, kind=Ranking.Kind.VOTE, submitted_at__gte=midnight())
        .values_list("comparison__project")
        .annotate(n=Count("*")),
        "at_work": Assignment.objects.leased()
        .filter(comparison__project__in=projects)
        .values_list("comparison__project")
        .annotate(n=Count("trainer", distinct=True)),
        "open": Comparison.objects.filter(project__in=projects, state=Comparison.State.OPEN, only_for__isnull=True)
        .values_list("project")
        .annotate(n=Count("*")),
        "to_review": _to_review(projects, reviewer),
    }
    found: dict[UUID, dict[str, int]] = {project.pk: dict.fromkeys(counts, 0) for project in projects}
    for name, rows in counts.items():
        for pk, n in rows.order_by():
            found[pk][name] = n
    return found
