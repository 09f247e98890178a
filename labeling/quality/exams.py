"""The entry exam and practice: who still has to show what, recounted from what they did.

An exam or practice item is a hidden item (`labeling/quality/hidden.py`) that is dealt when it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Avg, Count, Q, QuerySet

from labeling import preferences
from labeling.errors import Invalid
from labeling.models import Comparison, Dialogue, Membership, Project, Ranking, Review
from labeling.quality import hidden
from labeling.quality.hidden import PRACTICE, hand_to, originals
from labeling.quality.rules import ExamRules

if TYPE_CHECKING:
    from accounts.models import User

Kind = Comparison.Kind


@dataclass(frozen=True)
class ExamStanding:
    """Where a trainer stands. `state`: not_needed, open, waiting (for grades), passed, failed."""

    state: str
    attempt: int
    done: int
    items: int
    pairs_right: float | None
    grade: float | None
    demonstrations: int
    rules: ExamRules


def known_points(groups: list[list[str]], known: list[list[str]]) -> tuple[int, int]:
    """(pairs ordered as known, pairs with a known order); a tie where an order is known is wrong."""
    place = preferences.ranks(groups)
    pairs = preferences.strict_pairs(known)
    return sum(place[a] < place[b] for a, b in pairs if a in place and b in place), len(pairs)


def exam_standing(project: Project, trainer: User) -> ExamStanding:
    """Recounted from what the trainer did: nothing of it is stored twice."""
    rules = ExamRules.of(project.exam)
    membership = Membership.objects.filter(project=project, user=trainer).first() if rules.required else None
    if membership is None or membership.role != Membership.Role.TRAINER:
        return ExamStanding("not_needed", 0, 0, 0, None, None, 0, rules)
    rows = list(exam_rankings(project, trainer))
    items = min(rules.items, originals(project, Kind.EXAM).count())
    attempts = [rows[at : at + items] for at in range(0, len(rows), items)] if items else []
    grades = graded(project, trainer, rules.demonstrations)
    writes_enough = grades["graded"] >= rules.demonstrations
    grade_passes = not rules.demonstrations or (writes_enough and (grades["mean"] or 0) >= rules.pass_grade)
    current = attempts[-1] if attempts else []
    share = _share(current)
    state = "open"
    if items == 0 and not rules.demonstrations:
        state = "not_needed"  # an exam without items keeps nobody out
    elif items == 0 or any(
        len(attempt) == items and (_share(attempt) or 0) >= rules.pass_pairs for attempt in attempts
    ):
        state = "passed" if grade_passes else "failed" if writes_enough else "waiting"
    elif len(attempts) >= rules.attempts and len(current) == items:
        state = "failed"
    done = len(current) if len(current) < items or state != "open" else 0
    return ExamStanding(state, max(1, len(attempts)), done, items, share, grades["mean"], rules.demonstrations, rules)


def exam_rankings(project: Project, trainer: User) -> QuerySet[Ranking]:
    return (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__only_for=trainer, comparison__project=project)
        .filter(comparison__kind=Kind.EXAM, comparison__source=Kind.EXAM)
        .select_related("comparison")
        .order_by("submitted_at")
    )


def _share(rankings: list[Ranking]) -> float | None:
    points = [known_points(r.groups, r.comparison.known_groups or []) for r in rankings]
    asked = sum(total for _, total in points)
    return sum(right for right, _ in points) / asked if asked else None


def graded(project: Project, trainer: User, first: int) -> dict[str, Any]:
    """Mean grade of the trainer's first so many demonstrations that a reviewer graded."""
    if not first:
        return {"graded": 0, "mean": None}
    demonstrations = Dialogue.objects.filter(
        project=project, author=trainer, kind=Dialogue.Kind.DEMONSTRATION, submitted_at__isnull=False
    ).order_by("submitted_at")
    marks = Review.objects.filter(dialogue__in=demonstrations.values("pk"), grade__isnull=False)
    latest = marks.order_by("dialogue__submitted_at").values("dialogue").annotate(mark=Avg("grade"))[:first]
    values = [row["mark"] for row in latest]
    return {"graded": len(values), "mean": sum(values) / len(values) if values else None}


def kinds_open_to(project: Project, trainer: User) -> tuple[str, ...]:
    """Kinds of comparison that this trainer may be given now, the first to be tried first.

    Raises:
        Invalid: the exam was failed.
    """
    standing = exam_standing(project, trainer)
    if standing.state == "failed":
        raise Invalid("You did not pass the entry exam of this project. Your manager can tell you more.")
    if standing.state == "open":
        _deal_exam(project, trainer)
        return (Kind.EXAM,)
    if standing.state == "waiting":
        raise Invalid("Your exam demonstrations wait for their grades. Ranking opens once they pass.")
    first = hidden.coin(project)
    others = [Kind.NORMAL, Kind.CALIBRATION, Kind.REPEAT]
    return (first, *(kind for kind in others if kind != first))


def _deal_exam(project: Project, trainer: User) -> None:
    """Have the next exam item waiting, each item once an attempt. The caller holds the membership's lock."""
    mine = Comparison.objects.filter(project=project, kind=Kind.EXAM, source=Kind.EXAM, only_for=trainer)
    if mine.filter(state=Comparison.State.OPEN).exists():
        return
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = originals(project, Kind.EXAM).annotate(used=used).order_by("used", "?").first()
    if item is not None:
        hand_to(original=item, trainer=trainer, kind=Kind.EXAM)


@transaction.atomic
def next_practice(*, project: Project, trainer: User) -> Comparison | None:
    """An open practice item for this trainer, the least used first; None where the project has none.

    Raises:
        Invalid: a guest, or no member.
    """
    member = Membership.objects.filter(project=project, user=trainer, ended_at__isnull=True)
    if not member.select_for_update(of=("self",)).exclude(role=Membership.Role.GUEST).exists():
        raise Invalid("Your role in this project does not include ranking.")
    mine = Comparison.objects.filter(project=project, source=PRACTICE, only_for=trainer, state=Comparison.State.OPEN)
    if (waiting := mine.first()) is not None:
        return waiting
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = originals(project, PRACTICE).annotate(used=used).order_by("used", "?").first()
    return hand_to(original=item, trainer=trainer, kind=Kind.EXAM) if item else None


def practised(project: Project, trainer: User) -> QuerySet[Ranking]:
    """The trainer's finished practice items, newest first; the comparison holds the order and explanation."""
    return (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__only_for=trainer)
        .filter(comparison__project=project, comparison__source=PRACTICE)
        .select_related("comparison__repeat_of")
        .order_by("-submitted_at")
    )
