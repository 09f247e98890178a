"""What the home page shows: which tasks are open to a trainer, what they began, what they did. Reads only, and
the number of queries does not grow with projects or labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from common.plugins import Folder
from common.shapes import JsonObject
from labeling import agreements, goals, leases
from labeling.models import Assignment, Dialogue, Membership, Project, Ranking, Review, Turn
from labeling.quality import reviews
from labeling.task_types.base import TaskType
from labeling.text import opening

if TYPE_CHECKING:
    from accounts.models import User

OPEN_WORK = 20
RETURNED = Review.Decision.RETURNED
TRAINER = Membership.Role.TRAINER


@dataclass(frozen=True)
class Task:
    """A kind of work as one person meets it in one project."""

    type: TaskType
    begin: str
    ready: bool


@dataclass(frozen=True)
class Place:
    """A project on the home page, with the tasks that the person's role opens there."""

    project: Project
    role: str
    guidelines: int
    guidelines_changed: bool
    tasks: list[Task]
    share: JsonObject | None = None  # of the open round, as `goals.open_share` has it


TASK_TYPES = Folder[TaskType]("labeling.task_types", "TASK")


def task_types() -> dict[str, TaskType]:
    """Every kind of work, by name, in the order of the home page."""
    found = {name: TASK_TYPES.load(name) for name in TASK_TYPES.choices()}
    return dict(sorted(found.items(), key=lambda item: item[1].place))


def places(user: User) -> list[Place]:
    types = task_types()
    mine = Membership.objects.filter(user=user, ended_at__isnull=True, project__archived_at__isnull=True)
    rows = (
        agreements.with_versions(mine)
        .select_related("project")
        .annotate(share=goals.open_share(), **{f"ready_{name}": task.ready(user) for name, task in types.items()})
        .order_by("project__title")
    )
    found = []
    for row in rows:
        offered = [(name, task) for name, task in types.items() if name in row.project.task_types]
        tasks = [
            Task(task, task.begin(row.project), ready=bool(getattr(row, f"ready_{name}")))
            for name, task in offered
            if row.role in task.roles
        ]
        newest, behind = agreements.newest(row), agreements.is_behind(row)
        found.append(Place(row.project, row.role, newest, behind, tasks, row.share))
    return found


def shares(user: User, found: Sequence[Place]) -> dict[UUID, list[goals.Share]]:
    """What a trainer is to do in the open rounds, and has done, where that is set."""
    return goals.shares_of(user, {place.project.pk: place.share for place in found if place.role == TRAINER})


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
    work = [*_open_rankings(user), *_open_drafts(user)]
    return sorted(work, key=lambda begun: (bool(begun.title), begun.saved_at), reverse=True)  # empty ones last


def _open_rankings(user: User) -> Iterator[Begun]:
    rows = (
        Assignment.objects.of(user)
        .filter(Q(state=Assignment.State.LEASED) | leases.UNFINISHED)
        .filter(comparison__project__archived_at__isnull=True)
        .select_related("comparison__project")
        .only("state", "draft_saved_at", "created_at", "comparison__prompt", "comparison__project__title")
        .order_by("-heartbeat_at")[:OPEN_WORK]
    )
    for row in rows:
        yield Begun(
            kind="ranking",
            pk=row.pk,
            project=row.comparison.project.title,
            title=opening(row.comparison.prompt),
            saved_at=row.draft_saved_at or row.created_at,
            expired=row.state == Assignment.State.EXPIRED,
        )


def _open_drafts(user: User) -> Iterator[Begun]:
    first_turns = Turn.objects.filter(position__lt=2).only("dialogue", "role", "text").order_by("position")
    rows = (
        Dialogue.objects.filter(author=user, project__archived_at__isnull=True)
        .drafts()
        .select_related("project")
        .only("kind", "composer", "saved_at", "project__title")
        .prefetch_related(Prefetch("turns", first_turns))
        .order_by("-saved_at")[:OPEN_WORK]
    )
    for row in rows:
        said = opening([{"role": turn.role, "content": turn.text} for turn in row.turns.all()])
        yield Begun(
            kind=row.kind,
            pk=row.pk,
            project=row.project.title,
            title=said or str(row.composer.get("text") or ""),
            saved_at=row.saved_at,
        )


def was_returned(user: User) -> bool:
    """Whether a reviewer ever sent work of this person back: for most the next two need not be asked."""
    of_mine = Q(dialogue__author=user) | Q(ranking__trainer=user)
    return Review.objects.filter(of_mine, decision=RETURNED).exists()


def returned(user: User) -> list[Review]:
    """Own work that a reviewer sent back and that has no new version yet."""
    return list(
        Review.objects.in_force()
        .filter(decision=RETURNED, dialogue__author=user, dialogue__state=Dialogue.State.RETURNED)
        .filter(dialogue__superseded_by__isnull=True)
        .select_related("dialogue__project")
        .only("comment", "created_at", "dialogue__kind", "dialogue__project__title")[:OPEN_WORK]
    )


def returned_rankings(user: User) -> QuerySet[Ranking]:
    said = Review.objects.in_force().filter(ranking=OuterRef("pk"), decision=RETURNED).order_by("-created_at", "-pk")
    rows = reviews.returned_rankings(user).select_related(None).select_related("comparison__project")
    rows = rows.annotate(comment=Subquery(said.values("comment")[:1]))
    return rows.only("comparison__prompt", "comparison__project__title")[:OPEN_WORK]
