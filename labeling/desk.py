"""A trainer's desk: which tasks are open to them, what they began, what they did. Reads only, and the
number of queries does not grow with projects or labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from labeling import comparisons, preferences
from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    GuidelineVersion,
    Membership,
    Project,
    Ranking,
    Review,
    Round,
)

if TYPE_CHECKING:
    from accounts.models import User

AGREEMENT_OVER = 100  # most recent rankings
OPEN_WORK = 20


@dataclass
class Task:
    kind: str
    name: str
    about: str
    verb: str
    ready: bool = True
    why_not: str = ""


@dataclass
class Place:
    """A project on the home page, with the tasks that the person's role opens there."""

    project: Project
    role: str
    guidelines: int | None
    tasks: list[Task] = field(default_factory=list)


def places(user: User) -> list[Place]:
    latest = (
        GuidelineVersion.objects.filter(project=OuterRef("project"))
        .order_by("-number")
        .values("number")[:1]
    )
    rows = (
        Membership.objects.filter(user=user, ended_at__isnull=True, project__archived_at__isnull=True)
        .select_related("project")
        .annotate(
            guideline_number=latest,
            has_round=Exists(Round.objects.filter(project=OuterRef("project"), closed_at__isnull=True)),
            to_rank=Exists(_rankable(user)),
        )
        .order_by("project__title")
    )
    return [Place(row.project, row.role, row.guideline_number, list(_tasks(row))) for row in rows]


def _rankable(user: User) -> QuerySet[Comparison]:
    """Comparisons of the outer membership's project that want this person's vote, or are leased to them."""
    mine = Assignment.objects.filter(comparison=OuterRef("pk"), trainer=user)
    free = Q(held__lt=F("votes_wanted")) & ~Exists(mine)
    allowed = Q(author__isnull=True) | ~Q(author=user) | Q(project__exclude_own_chats=False)
    return (
        Comparison.objects.filter(project=OuterRef("project"), state=Comparison.State.OPEN)
        .filter(Q(only_for__isnull=True) | Q(only_for=user))
        .alias(held=comparisons.held_count())
        .filter(free & allowed | Exists(mine.filter(state=Assignment.State.LEASED)))
    )


def _tasks(row: Any) -> Iterable[Task]:
    no_round = "No round is open. The project's manager opens the next one."
    kinds = row.project.task_types
    if row.role == Membership.Role.GUEST:
        kinds = [kind for kind in kinds if kind == "chat"]
    if "ranking" in kinds:
        yield Task(
            "ranking", "Rank completions", "Read a prompt and put several answers in order.", "Rank the next one",
            row.to_rank, "Nothing wants ranking just now.",
        )  # fmt: skip
    if "demonstration" in kinds:
        yield Task(
            "demonstration", "Write a demonstration",
            "Write both sides of a dialogue, with the model's suggestions at hand.", "Begin a dialogue",
        )  # fmt: skip
    if "chat" in kinds:
        yield Task(
            "chat", "Chat with the model", "Talk with the model and say which answers are good.", "Begin a chat",
            row.has_round, no_round,
        )  # fmt: skip


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
        .order_by("-heartbeat_at")[:OPEN_WORK]
    )
    drafts = (
        Dialogue.objects.filter(author=user, project__archived_at__isnull=True)
        .drafts()
        .select_related("project")
        .prefetch_related("turns")
        .order_by("-saved_at")[:OPEN_WORK]
    )
    work = [
        Begun(
            "ranking", lease.pk, lease.comparison.project.title, _opening(lease.comparison.prompt),
            lease.draft_saved_at or lease.created_at, lease.state == "expired",
        )
        for lease in leases
    ] + [
        Begun(
            draft.kind, draft.pk, draft.project.title,
            _opening([{"role": turn.role, "content": turn.text} for turn in draft.turns.all()][:2])
            or draft.composer.get("text", ""),
            draft.saved_at,
        )
        for draft in drafts
    ]  # fmt: skip
    return sorted(work, key=lambda begun: begun.saved_at, reverse=True)


def _opening(messages: list[dict[str, str]]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")


def returned(user: User) -> list[Review]:
    """Own work that a reviewer sent back and that has no new version yet."""
    return list(
        Review.objects.filter(decision="returned", dialogue__author=user, dialogue__state="returned")
        .filter(dialogue__superseded_by__isnull=True)
        .select_related("dialogue__project", "reviewer")[:OPEN_WORK]
    )


def figures(user: User) -> dict[str, Any]:
    """Own numbers: today, the last seven days, and agreement where others judged the same."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = midnight - timedelta(days=6)
    ranked = (
        Ranking.objects.in_force()
        .filter(trainer=user, submitted_at__gte=week)
        .aggregate(today=Count("pk", filter=Q(submitted_at__gte=midnight)), week=Count("pk"))
    )
    written = (
        Dialogue.objects.submitted()
        .filter(author=user, submitted_at__gte=week)
        .aggregate(today=Count("pk", filter=Q(submitted_at__gte=midnight)), week=Count("pk"))
    )
    agreed, pairs = agreement(user)
    return {
        "today": ranked["today"] + written["today"],
        "week": ranked["week"] + written["week"],
        "agreement": round(100 * agreed / pairs) if pairs else None,
        "pairs": pairs,
    }


def agreement(user: User) -> tuple[int, int]:
    """(agreed, compared): pairs that this trainer and another both put in strict order."""
    others = Ranking.objects.in_force().filter(comparison=OuterRef("comparison"), kind="vote").exclude(trainer=user)
    mine = list(
        Ranking.objects.in_force()
        .filter(Exists(others), trainer=user, kind="vote", not_rankable="")
        .order_by("-submitted_at")
        .values_list("comparison_id", "groups")[:AGREEMENT_OVER]
    )
    own = {comparison: set(preferences.strict_pairs(groups)) for comparison, groups in mine}
    theirs = (
        Ranking.objects.in_force()
        .filter(comparison__in=list(own), kind="vote", not_rankable="")
        .exclude(trainer=user)
        .values_list("comparison_id", "groups")
    )
    agreed = compared = 0
    for comparison, groups in theirs:
        for chosen, rejected in preferences.strict_pairs(groups):
            agreed += (chosen, rejected) in own[comparison]
            compared += (chosen, rejected) in own[comparison] or (rejected, chosen) in own[comparison]
    return agreed, compared
