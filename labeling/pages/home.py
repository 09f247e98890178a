"""A trainer's desk: which tasks are open to them, what they began, what they did. Reads only, and the
number of queries does not grow with projects or labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Avg, Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from common import plugins
from labeling import preferences
from labeling.models import Assignment, Dialogue, GuidelineVersion, Membership, Project, Ranking, Review, Turn
from labeling.quality import reviews
from labeling.task_types.base import TaskType
from labeling.text import opening

if TYPE_CHECKING:
    from accounts.models import User

AGREEMENT_OVER = 500  # most recent rankings
OPEN_WORK = 20
FOR_A_PACE = 5  # rankings today, and before in the week, from which an average is told


@dataclass(frozen=True)
class Task:
    """A kind of work as one person meets it in one project."""

    type: TaskType
    begin: str
    ready: bool


@dataclass
class Place:
    """A project on the home page, with the tasks that the person's role opens there."""

    project: Project
    role: str
    guidelines: int | None
    tasks: list[Task] = field(default_factory=list)


def task_types() -> dict[str, TaskType]:
    """Every kind of work, by name, in the order of the home page."""
    found = {name: plugins.load("labeling.task_types", name).TASK for name in plugins.choices("labeling.task_types")}
    return dict(sorted(found.items(), key=lambda item: item[1].place))


def places(user: User) -> list[Place]:
    latest = GuidelineVersion.objects.filter(project=OuterRef("project")).order_by("-number").values("number")[:1]
    types = task_types()
    rows = (
        Membership.objects.filter(user=user, ended_at__isnull=True, project__archived_at__isnull=True)
        .select_related("project")
        .annotate(guideline_number=latest, **{f"ready_{name}": task.ready(user) for name, task in types.items()})
        .order_by("project__title")
    )
    return [
        Place(
            row.project, row.role, row.guideline_number,
            [
                Task(task, task.begin(row.project), getattr(row, f"ready_{name}"))
                for name, task in types.items()
                if name in row.project.task_types and row.role in task.roles
            ],
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class Begun:
    """Something begun and not finished."""

    kind: str
    pk: UUID
    project: str
    title: str
    saved_at: datetime
    expired: bool = False


def open_work(user: User) -> list[Begun]:
    leases = (
        Assignment.objects.of(user)
        .filter(Q(state="leased") | Q(state="expired", comparison__state="open") & ~Q(draft={}))
        .filter(comparison__project__archived_at__isnull=True)
        .select_related("comparison__project")
        .only("state", "draft_saved_at", "created_at", "comparison__prompt", "comparison__project__title")
        .order_by("-heartbeat_at")[:OPEN_WORK]
    )
    drafts = (
        Dialogue.objects.filter(author=user, project__archived_at__isnull=True)
        .drafts()
        .select_related("project")
        .only("kind", "composer", "saved_at", "project__title")
        .prefetch_related(
            Prefetch("turns", Turn.objects.filter(position__lt=2).only("dialogue", "role", "text").order_by("position"))
        )
        .order_by("-saved_at")[:OPEN_WORK]
    )
    work = [
        Begun(
            "ranking", lease.pk, lease.comparison.project.title, opening(lease.comparison.prompt),
            lease.draft_saved_at or lease.created_at, lease.state == "expired",
        )
        for lease in leases
    ] + [
        Begun(
            draft.kind, draft.pk, draft.project.title,
            opening([{"role": turn.role, "content": turn.text} for turn in draft.turns.all()][:2])
            or draft.composer.get("text", ""),
            draft.saved_at,
        )
        for draft in drafts
    ]  # fmt: skip
    return sorted(work, key=lambda begun: (bool(begun.title), begun.saved_at), reverse=True)  # empty ones last


def was_returned(user: User) -> bool:
    """Whether a reviewer ever sent work of this person back: for most the next two need not be asked."""
    of_mine = Q(dialogue__author=user) | Q(ranking__trainer=user)
    return Review.objects.filter(of_mine, decision="returned").exists()


def returned(user: User) -> list[Review]:
    """Own work that a reviewer sent back and that has no new version yet."""
    return list(
        Review.objects.filter(decision="returned", dialogue__author=user, dialogue__state="returned")
        .filter(dialogue__superseded_by__isnull=True)
        .select_related("dialogue__project")
        .only("comment", "created_at", "dialogue__kind", "dialogue__project__title")[:OPEN_WORK]
    )


def returned_rankings(user: User) -> QuerySet[Ranking]:
    said = Review.objects.filter(ranking=OuterRef("pk"), decision="returned").order_by("-created_at", "-pk")
    rows = reviews.returned_rankings(user).select_related(None).select_related("comparison__project")
    rows = rows.annotate(comment=Subquery(said.values("comment")[:1]))
    return rows.only("comparison__prompt", "comparison__project__title")[:OPEN_WORK]


def figures(user: User) -> dict[str, Any]:
    """Own numbers: today, the last seven days, the time a ranking takes, and agreement where others judged the same."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = midnight - timedelta(days=6)
    ranked = (
        Ranking.objects.first_of_each()
        .filter(trainer=user, submitted_at__gte=week)
        .aggregate(
            today=Count("pk", filter=Q(submitted_at__gte=midnight)), week=Count("pk"),
            pace=Avg("seconds", filter=Q(submitted_at__gte=midnight)),
            usual=Avg("seconds", filter=Q(submitted_at__lt=midnight)),
        )
    )  # fmt: skip
    written = (
        Dialogue.objects.submitted()
        .filter(author=user, submitted_at__gte=week)
        .aggregate(today=Count("pk", filter=Q(submitted_at__gte=midnight)), week=Count("pk"))
    )
    agreed, pairs = agreement(user)
    tell = ranked["today"] >= FOR_A_PACE and ranked["week"] - ranked["today"] >= FOR_A_PACE
    return {
        "today": ranked["today"] + written["today"],
        "week": ranked["week"] + written["week"],
        "agreement": round(100 * agreed / pairs) if pairs else None,
        "pairs": pairs,
        "pace": duration(ranked["pace"]) if tell else "",
        "usual": duration(ranked["usual"]) if tell else "",
    }


def duration(seconds: float) -> str:
    """Of a task, as one would say it: '45 s', '2.5 min'."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 30) / 2:g} min"


def agreement(user: User) -> tuple[int, int]:
    """(agreed, compared): pairs that this trainer and another both put in strict order, over the trainer's
    most recent rankings: so many at most are looked at, however many there are."""
    votes = Ranking.objects.in_force().filter(kind="vote")
    recent = Ranking.objects.filter(trainer=user).order_by("-submitted_at").values("comparison")[:AGREEMENT_OVER]
    theirs = list(
        votes.filter(comparison__in=recent, not_rankable="")
        .exclude(trainer=user)
        .order_by()
        .values_list("comparison_id", "groups")
    )
    mine = votes.filter(trainer=user, comparison__in={comparison for comparison, _ in theirs}).order_by()
    own = {comparison: frozenset(preferences.strict_pairs(groups)) for comparison, groups in
           mine.values_list("comparison_id", "groups")}  # fmt: skip
    agreed = compared = 0
    for comparison, groups in theirs:
        ordered = own.get(comparison, frozenset())  # none where the trainer took it back
        for chosen, rejected in preferences.strict_pairs(groups):
            agreed += (chosen, rejected) in ordered
            compared += (chosen, rejected) in ordered or (rejected, chosen) in ordered
    return agreed, compared
