"""A trainer's own numbers: today, the last seven days, the time a ranking takes, agreement with others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from common.clock import midnight
from common.compiled import compiled
from labeling import preferences
from labeling.models import Dialogue, Ranking

if TYPE_CHECKING:
    from accounts.models import User

AGREEMENT_OVER = 500  # most recent rankings
FOR_A_PACE = 5  # rankings today, and before in the week, from which an average is told


@dataclass(frozen=True)
class Figures:
    """Own numbers. `agreement` is in percent, None where nobody else judged the same; `pace` and `usual` are the
    time of a ranking today and before in the week, empty where there are too few."""

    today: int
    week: int
    agreement: int | None
    pairs: int
    pace: str
    usual: str
    by_project: Mapping[UUID, int]  # submitted today; without the rankings where `figures` was not asked for them


def figures(user: User, *, by_project: bool = True) -> Figures:
    today = midnight()
    week = today - timedelta(days=6)
    ranked_today, ranked_in_week, took, took_before = next(iter(_ranked(user, today, week)), (0, 0, 0, 0))
    written = _written(user, today, week)
    agreed, pairs = agreement(user)
    done, before = ranked_today, ranked_in_week - ranked_today
    tell = done >= FOR_A_PACE and before >= FOR_A_PACE
    counted = Counter({project: n for project, n, _ in written})
    if by_project and done:  # a ranking's project is its comparison's: only today's are looked up, a week has thousands
        counted += Counter(dict(_ranked_by_project(user, today)))
    return Figures(
        today=done + sum(n for _, n, _ in written),
        week=ranked_in_week + sum(n for _, _, n in written),
        agreement=round(100 * agreed / pairs) if pairs else None,
        pairs=pairs,
        pace=duration(took / done) if tell else "",
        usual=duration(took_before / before) if tell else "",
        by_project=counted,
    )


@compiled
def _ranked(user: User, today: datetime, week: datetime) -> QuerySet[Ranking, tuple[int, int, int, int]]:
    """Rankings of today and of the week, the seconds of today's and of those before; no row where there are none."""
    return (
        Ranking.objects.first_of_each()
        .filter(trainer=user, submitted_at__gte=week)
        .order_by()
        .values("trainer")
        .annotate(
            today=Count("pk", filter=Q(submitted_at__gte=today)), week=Count("pk"),
            took=Coalesce(Sum("seconds", filter=Q(submitted_at__gte=today)), 0),
            took_before=Coalesce(Sum("seconds", filter=Q(submitted_at__lt=today)), 0),
        )
        .values_list("today", "week", "took", "took_before")
    )  # fmt: skip


@compiled
def _ranked_by_project(user: User, today: datetime) -> QuerySet[Ranking, tuple[UUID, int]]:
    mine = Ranking.objects.first_of_each().filter(trainer=user, submitted_at__gte=today)
    return mine.order_by().values_list("comparison__project").annotate(n=Count("pk"))


@compiled
def _written(user: User, today: datetime, week: datetime) -> QuerySet[Dialogue, tuple[UUID, int, int]]:
    """Dialogues of today and of the week, by project."""
    mine = Dialogue.objects.submitted().filter(author=user, submitted_at__gte=week).order_by().values_list("project")
    return mine.annotate(today=Count("pk", filter=Q(submitted_at__gte=today)), week=Count("pk"))


def ranked_today(user: User) -> int:
    return next(iter(_counted_today(user, midnight())), 0)


@compiled
def _counted_today(user: User, today: datetime) -> QuerySet[Ranking, int]:
    mine = Ranking.objects.first_of_each().filter(trainer=user, submitted_at__gte=today).order_by()
    return mine.values("trainer").annotate(n=Count("pk")).values_list("n", flat=True)


def duration(seconds: float) -> str:
    """Of a task, as one would say it: '45 s', '2.5 min'."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 30) / 2:g} min"


def agreement(user: User) -> tuple[int, int]:
    """(agreed, compared), over all projects."""
    found = agreements(user).values()
    return sum(agreed for agreed, _ in found), sum(compared for _, compared in found)


def agreements(user: User) -> dict[UUID, tuple[int, int]]:
    """(agreed, compared) by project: pairs that this trainer and another both put in strict order, over the trainer's
    most recent rankings: so many at most are looked at, however many there are."""
    theirs = _others_votes(user)
    if not theirs:
        return {}
    votes = Ranking.objects.in_force().filter(kind=Ranking.Kind.VOTE)
    mine = votes.filter(trainer=user, comparison__in={comparison for comparison, _, _ in theirs}).order_by()
    own = {comparison: frozenset(preferences.strict_pairs(groups)) for comparison, groups in
           mine.values_list("comparison_id", "groups")}  # fmt: skip
    found: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for comparison, groups, project in theirs:
        ordered = own.get(comparison, frozenset())  # none where the trainer took it back
        agreed, compared = found[project]
        for chosen, rejected in preferences.strict_pairs(groups):
            agreed += (chosen, rejected) in ordered
            compared += (chosen, rejected) in ordered or (rejected, chosen) in ordered
        found[project] = agreed, compared
    return found


@compiled
def _others_votes(user: User) -> QuerySet[Ranking, tuple[UUID, list[list[str]], UUID]]:
    """What others said of the comparisons that this trainer ranked last, each with its project."""
    recent = Ranking.objects.filter(trainer=user).order_by("-submitted_at").values("comparison")[:AGREEMENT_OVER]
    votes = Ranking.objects.in_force().filter(kind=Ranking.Kind.VOTE, comparison__in=recent, not_rankable="")
    rows = votes.exclude(trainer=user).order_by()
    return rows.values_list("comparison_id", "groups", "comparison__project_id")
