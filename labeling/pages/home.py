"""What the home page shows: which tasks are open to a trainer, what they began, what they did. Reads only, and
the number of queries does not grow with projects or labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext

from accounts.languages import name_of, works_in
from common.compiled import compiled
from common.plugins import Folder
from common.shapes import JsonObject, Message
from labeling import agreements, goals, leases, offering, progress, votes
from labeling.agreements import Versions
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
    versions: Versions
    tasks: list[Task]
    foreign: str  # the project's language, where the person works in others
    warning: str = ""  # what may be met there, as Markdown
    limit_reached: bool = False  # of the week's minutes with flagged texts
    share: JsonObject | None = None  # of the open round, as `goals.open_share` has it


TASK_TYPES = Folder[TaskType]("labeling.task_types", "TASK")


def task_types() -> dict[str, TaskType]:
    """Every kind of work, by name, in the order of the home page."""
    found = {name: TASK_TYPES.load(name) for name in TASK_TYPES.choices()}
    return dict(sorted(found.items(), key=lambda item: item[1].place))


def places(user: User) -> list[Place]:
    types = task_types()
    found = []
    for row in _memberships(user):
        offered = [(name, task) for name, task in types.items() if name in row.project.task_types]
        tasks = [
            Task(
                task, task.begin(row.project), ready=bool(getattr(row, f"ready_{name}")) and _is_ready(row, name, user)
            )
            for name, task in offered
            if row.role in task.roles and works_in(user, row.project.language)
        ]
        language = foreign(user, row.project)
        versions, reached = agreements.versions_of(row), offering.limit_reached(row.project, user)
        warning, share = vars(row)["warning_text"] or "", vars(row)["share"]
        found.append(Place(row.project, row.role, versions, tasks, language, warning, reached, share))
    return found


def _is_ready(row: Membership, name: str, user: User) -> bool:
    """Of the tasks that are ready, one that the person may have now; only past the week's limit it is asked anew."""
    if name != "ranking" or not offering.limit_reached(row.project, user):
        return True
    leased = Assignment.objects.leased().filter(trainer=user, comparison__project=row.project)
    return leased.exists() or votes.wanting(row.project, user).exists()


def foreign(user: User, project: Project) -> str:
    return "" if works_in(user, project.language) else name_of(project.language)


@compiled
def _memberships(user: User) -> QuerySet[Membership]:
    """Live ones, each with its project, the version of its guidelines, and what is ready there."""
    mine = Membership.objects.filter(user=user, ended_at__isnull=True, project__archived_at__isnull=True)
    return (
        agreements.with_versions(mine)
        .select_related("project")
        .annotate(share=goals.open_share())
        .annotate(**{f"ready_{name}": task.ready(user) for name, task in task_types().items()})
        .order_by("project__title")
    )


def shares(user: User, found: Sequence[Place]) -> dict[UUID, list[goals.Share]]:
    """What a trainer is to do in the open rounds, and has done, where that is set."""
    return goals.shares_of(user, {place.project.pk: place.share for place in found if place.role == TRAINER})


def to_review(user: User, found: Sequence[Place]) -> dict[UUID, int]:
    """What waits for this person's review, in the projects where they review."""
    reviewed = [place.project for place in found if place.role in Membership.REVIEWERS]
    return progress.to_review(reviewed, reviewer=user) if reviewed else {}


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
    for row in _begun_rankings(user):
        harms = row.comparison.harms
        covered = offering.opted_out(user).has(harms) or (row.comparison.project.cover and harms)
        yield Begun(
            kind="ranking",
            pk=row.pk,
            project=row.comparison.project.title,
            title=gettext("(covered)") if covered else opening(row.comparison.prompt),
            saved_at=row.draft_saved_at or row.created_at,
            expired=row.state == Assignment.State.EXPIRED,
        )


@compiled
def _begun_rankings(user: User) -> QuerySet[Assignment]:
    return (
        Assignment.objects.of(user)
        .filter(Q(state=Assignment.State.LEASED) | leases.UNFINISHED)
        .filter(comparison__project__archived_at__isnull=True)
        .select_related("comparison__project")
        .only(
            "state",
            "draft_saved_at",
            "created_at",
            "comparison__prompt",
            "comparison__harms",
            "comparison__project__title",
            "comparison__project__cover",
        )
        .order_by("-heartbeat_at")[:OPEN_WORK]
    )


def _open_drafts(user: User) -> Iterator[Begun]:
    drafts = _drafts(user)
    said: dict[UUID, list[Message]] = {draft.pk: [] for draft in drafts}
    for dialogue, role, text in _first_turns(user) if drafts else ():
        said.get(dialogue, []).append({"role": role, "content": text})  # one begun since then is not shown yet
    for draft in drafts:
        yield Begun(
            kind=draft.work.replace("_", " "),
            pk=draft.pk,
            project=draft.project.title,
            title=opening(said[draft.pk]) or str(draft.composer.get("text") or ""),
            saved_at=draft.saved_at,
        )


@compiled
def _drafts(user: User) -> QuerySet[Dialogue]:
    rows = _newest_drafts(user).select_related("project")
    return rows.only("kind", "rule", "composer", "saved_at", "project__title")


@compiled
def _first_turns(user: User) -> QuerySet[Turn, tuple[UUID, str, str]]:
    """Of the same drafts."""
    rows = Turn.objects.filter(dialogue__in=_newest_drafts(user).values("pk"), position__lt=2)
    return rows.order_by("position").values_list("dialogue", "role", "text")


def _newest_drafts(user: User) -> QuerySet[Dialogue]:
    mine = Dialogue.objects.filter(author=user, project__archived_at__isnull=True).drafts()
    return mine.order_by("-saved_at")[:OPEN_WORK]


def was_returned(user: User) -> bool:
    """Whether a reviewer ever sent work of this person back: for most the next two need not be asked."""
    return bool(_some_returned(user))


@compiled
def _some_returned(user: User) -> QuerySet[Review, UUID]:
    of_mine = Q(dialogue__author=user) | Q(ranking__trainer=user)
    return Review.objects.filter(of_mine, decision=RETURNED).order_by().values_list("pk", flat=True)[:1]


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
