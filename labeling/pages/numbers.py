"""A trainer's own numbers, project by project: what they handed in, what became of it, how long it takes them. Reads
only, and the number of queries does not grow with projects or labels. The time itself is `labeling/time_sheet.py`."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, QuerySet

from labeling.models import Dialogue, Membership, Project, Ranking, Review
from labeling.pages.figures import agreements, duration
from labeling.quality import exams

if TYPE_CHECKING:
    from accounts.models import User

MEDIAN_OVER = 500  # most recent rankings, of all projects
PRACTICE_OVER = 500  # most recent items
FEW = 5  # rankings or pairs under which nothing is told
Decision = Review.Decision


@dataclass(frozen=True)
class Own:
    """One project's numbers. Shares are in percent; None and empty where there is too little to tell."""

    project: Project
    rankings: int
    dialogues: int
    accepted: int
    returned: int
    agreement: int | None
    practice: int | None
    median: str


def numbers(user: User) -> list[Own]:
    """Of every project that the person works in, by title."""
    rows = Membership.objects.filter(user=user, ended_at__isnull=True, project__archived_at__isnull=True)
    ranked, written, decided = _ranked(user), _written(user), _decided(user)
    agreed, practised, seconds = agreements(user), _practised(user), _seconds(user)
    found = []
    for project in [row.project for row in rows.select_related("project").order_by("project__title")]:
        times = seconds[project.pk]
        found.append(
            Own(
                project=project,
                rankings=ranked[project.pk],
                dialogues=written[project.pk],
                accepted=decided[project.pk, Decision.ACCEPTED],
                returned=decided[project.pk, Decision.RETURNED],
                agreement=_share(*agreed.get(project.pk, (0, 0))),
                practice=_share(*practised.get(project.pk, (0, 0)), few=1),
                median=duration(median(times)) if len(times) >= FEW else "",
            )
        )
    return found


def _share(right: int, of: int, few: int = FEW) -> int | None:
    return round(100 * right / of) if of >= few else None


def _ranked(user: User) -> Counter[UUID]:
    given = Ranking.objects.first_of_each().filter(trainer=user).exclude(kind=Ranking.Kind.GOLD)  # no task of theirs
    rows = given.order_by().values_list("comparison__project")
    return Counter(dict(rows.annotate(n=Count("pk"))))


def _written(user: User) -> Counter[UUID]:
    rows = Dialogue.objects.submitted().filter(author=user).order_by().values_list("project")
    return Counter(dict(rows.annotate(n=Count("pk"))))


def _decided(user: User) -> Counter[tuple[UUID, str]]:
    """By project and decision; a piece of work that was sent back and then accepted counts as both."""
    ranked = _by(Review.objects.filter(ranking__trainer=user), "ranking__comparison__project")
    written = _by(Review.objects.filter(dialogue__author=user), "dialogue__project")
    found: Counter[tuple[UUID, str]] = Counter()
    for pk, decision, n in ranked.union(written, all=True):
        found[pk, decision] += n
    return found


def _by(reviews: QuerySet[Review], project: str) -> QuerySet[Review, tuple[UUID, str, int]]:
    return reviews.order_by().values_list(project, "decision").annotate(n=Count("pk"))


def _practised(user: User) -> dict[UUID, tuple[int, int]]:
    """(right, asked) by project: pairs of practice items."""
    rows = exams.practised_by(user).values_list("comparison__project", "groups", "comparison__known_groups")
    found: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for project, groups, known in rows[:PRACTICE_OVER]:
        right, asked = exams.known_points(groups, known or [])
        before = found[project]
        found[project] = before[0] + right, before[1] + asked
    return found


def _seconds(user: User) -> defaultdict[UUID, list[int]]:
    recent = Ranking.objects.first_of_each().filter(trainer=user, seconds__isnull=False).order_by("-submitted_at")
    found: defaultdict[UUID, list[int]] = defaultdict(list)
    for project, seconds in recent.values_list("comparison__project", "seconds")[:MEDIAN_OVER]:
        found[project].append(seconds or 0)
    return found
