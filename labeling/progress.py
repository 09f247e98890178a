"""How far a project is, in numbers. Reads only; what the numbers mean for quality is in `insights`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from common.clock import midnight
from common.compiled import compiled, planned_each_time
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking
from labeling.projects import current_round
from labeling.quality import waiting

if TYPE_CHECKING:
    from accounts.models import User


class Progress(TypedDict):
    """Of a whole project."""

    round: int | None
    comparisons: dict[str, int]
    votes_wanted: int
    held: int
    votes_given: int
    leased: int
    dialogues: dict[str, dict[str, int]]
    today: int
    rankings_last_hour: int
    people_at_work: int


def progress_of(project: Project) -> Progress:
    """Counts by state, of the whole project."""
    comparisons = Comparison.objects.filter(project=project).order_by().values_list("state")
    held = Count("pk", filter=Q(held_at__isnull=False))  # till a reward model chooses
    states = list(comparisons.annotate(n=Count("*"), wanted=Sum("votes_wanted"), held=held))
    votes = Ranking.objects.in_force().filter(comparison__project=project, kind=Ranking.Kind.VOTE)
    hour = timezone.now() - timedelta(hours=1)
    given = votes.aggregate(
        all=Count("pk"),
        today=Count("pk", filter=Q(submitted_at__gte=midnight())),
        hour=Count("pk", filter=Q(submitted_at__gte=hour)),
    )
    leased = Assignment.objects.leased().filter(comparison__project=project)
    at_work = leased.aggregate(tasks=Count("pk"), people=Count("trainer", distinct=True))
    dialogues: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, state, n in (
        Dialogue.objects.filter(project=project).order_by().values_list("kind", "state").annotate(n=Count("*"))
    ):
        dialogues[kind][state] = n
    round_ = current_round(project)
    return {
        "round": round_.number if round_ else None,
        "comparisons": {state: n for state, n, _, _ in states},
        "votes_wanted": sum(wanted for state, _, wanted, _ in states if state == Comparison.State.OPEN),
        "held": sum(held for state, _, _, held in states if state == Comparison.State.SAMPLING),
        "votes_given": given["all"],
        "leased": at_work["tasks"],
        "dialogues": dict(dialogues),
        "today": given["today"],
        "rankings_last_hour": given["hour"],
        "people_at_work": at_work["people"],
    }


def to_review(projects: Collection[Project], *, reviewer: User) -> dict[UUID, int]:
    """How much waits for this reviewer in each of these projects."""
    return {project.pk: 0 for project in projects} | waiting.counts(projects, reviewer)


def glance_at(projects: Collection[Project], *, reviewer: User) -> dict[UUID, dict[str, int]]:
    """What a manager asks first in the morning, of many projects in as many queries as of one: rankings
    since midnight, people at work, comparisons open for votes, and what waits for this reviewer."""
    counts = {
        "today": _today(projects, midnight()),
        "at_work": _at_work(projects),
        "open": _open(projects),
        "to_review": waiting.counts(projects, reviewer).items(),
    }
    found: dict[UUID, dict[str, int]] = {project.pk: dict.fromkeys(counts, 0) for project in projects}
    for name, rows in counts.items():
        for pk, n in rows:
            found[pk][name] += n
    return found


def glance_of(project: Project, *, reviewer: User) -> dict[str, int]:
    """`glance_at` of one project."""
    counts = {
        "today": _today_of(project, midnight()),
        "at_work": _at_work_of(project),
        "open": _open_of(project),
    }
    found = {name: sum(n for _, n in rows) for name, rows in counts.items()}
    return {**found, "to_review": waiting.count(project, reviewer)}


def _today(projects: Collection[Project], since: datetime) -> QuerySet[Ranking, tuple[UUID, int]]:
    votes = Ranking.objects.in_force().filter(kind=Ranking.Kind.VOTE, submitted_at__gte=since)
    here = votes.filter(comparison__project__in=projects).order_by()
    return here.values_list("comparison__project").annotate(n=Count("*"))


def _at_work(projects: Collection[Project]) -> QuerySet[Assignment, tuple[UUID, int]]:
    here = Assignment.objects.leased().filter(comparison__project__in=projects).order_by()
    return here.values_list("comparison__project").annotate(n=Count("trainer", distinct=True))


def _open(projects: Collection[Project]) -> QuerySet[Comparison, tuple[UUID, int]]:
    """All that are open, and with a minus those few that are open to one person only: each is counted by an
    index of its own, and their sum is what everybody may vote on."""
    here = Comparison.objects.filter(project__in=projects, state=Comparison.State.OPEN).order_by()
    hidden = here.filter(only_for__isnull=False).values_list("project").annotate(n=-Count("*"))
    return here.values_list("project").annotate(n=Count("*")).union(hidden, all=True)


@planned_each_time
def _today_of(project: Project, since: datetime) -> QuerySet[Ranking, tuple[UUID, int]]:
    return _today([project], since)


@compiled
def _at_work_of(project: Project) -> QuerySet[Assignment, tuple[UUID, int]]:
    return _at_work([project])


@compiled
def _open_of(project: Project) -> QuerySet[Comparison, tuple[UUID, int]]:
    return _open([project])
