"""A trainer's own numbers: today, the last seven days, the time a ranking takes, agreement with others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Avg, Count, Q

from common.clock import midnight
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


def figures(user: User) -> Figures:
    today = midnight()
    week = today - timedelta(days=6)
    ranked = (
        Ranking.objects.first_of_each()
        .filter(trainer=user, submitted_at__gte=week)
        .aggregate(
            today=Count("pk", filter=Q(submitted_at__gte=today)), week=Count("pk"),
            pace=Avg("seconds", filter=Q(submitted_at__gte=today)),
            usual=Avg("seconds", filter=Q(submitted_at__lt=today)),
        )
    )  # fmt: skip
    written = (
        Dialogue.objects.submitted()
        .filter(author=user, submitted_at__gte=week)
        .aggregate(today=Count("pk", filter=Q(submitted_at__gte=today)), week=Count("pk"))
    )
    agreed, pairs = agreement(user)
    tell = ranked["today"] >= FOR_A_PACE and ranked["week"] - ranked["today"] >= FOR_A_PACE
    return Figures(
        today=ranked["today"] + written["today"],
        week=ranked["week"] + written["week"],
        agreement=round(100 * agreed / pairs) if pairs else None,
        pairs=pairs,
        pace=duration(ranked["pace"]) if tell else "",
        usual=duration(ranked["usual"]) if tell else "",
    )


def ranked_today(user: User) -> int:
    return Ranking.objects.first_of_each().filter(trainer=user, submitted_at__gte=midnight()).count()


def duration(seconds: float) -> str:
    """Of a task, as one would say it: '45 s', '2.5 min'."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    return f"{round(seconds / 30) / 2:g} min"


def agreement(user: User) -> tuple[int, int]:
    """(agreed, compared): pairs that this trainer and another both put in strict order, over the trainer's
    most recent rankings: so many at most are looked at, however many there are."""
    votes = Ranking.objects.in_force().filter(kind=Ranking.Kind.VOTE)
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
