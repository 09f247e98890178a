"""The entry exam and practice: who still has to show what, recounted from what they did.

An exam or practice item is a hidden item (`labeling/quality/hidden.py`) that is made when it is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.cache import cache
from django.db.models import Avg, Count, Q, QuerySet

from labeling import preferences
from labeling.errors import Invalid
from labeling.models import Comparison, Dialogue, Membership, Project, Ranking, Review
from labeling.offering import NOTHING, Avoided
from labeling.quality import hidden
from labeling.quality.hidden import PRACTICE, hand_to, of_source, originals, practice_key
from labeling.quality.rules import ExamRules

if TYPE_CHECKING:
    from accounts.models import User

Kind = Comparison.Kind
KEPT = 300  # seconds in which the home page goes on saying whether there is something to practise


@dataclass(frozen=True)
class ExamStanding:
    """Where a trainer stands. `state`: not_needed, open, waiting (for grades), passed, failed."""

    state: str
    rules: ExamRules
    attempt: int = 0
    done: int = 0
    items: int = 0
    pairs_right: float | None = None
    grade: float | None = None
    demonstrations: int = 0


@dataclass(frozen=True)
class Grades:
    """Of the demonstrations that the exam asks for: how many have a grade, and their mean."""

    graded: int = 0
    mean: float | None = None

    def state(self, rules: ExamRules) -> str:
        if not rules.demonstrations:
            return "passed"
        if self.graded < rules.demonstrations:
            return "waiting"
        return "passed" if (self.mean or 0) >= rules.pass_grade else "failed"


def known_points(groups: list[list[str]], known: list[list[str]]) -> tuple[int, int]:
    """(pairs ordered as known, pairs with a known order); a tie where an order is known is wrong."""
    return sum(preferences.known_pairs_right(groups, known)), len(preferences.strict_pairs(known))


def exam_standing(project: Project, trainer: User) -> ExamStanding:
    """Recounted from what the trainer did: nothing of it is stored twice."""
    rules = ExamRules.of(project.exam)
    membership = Membership.objects.filter(project=project, user=trainer).first() if rules.required else None
    if membership is None or membership.role != Membership.Role.TRAINER:
        return ExamStanding("not_needed", rules)
    rows = list(exam_rankings(project, trainer))
    items = min(rules.items, originals(project, Kind.EXAM).count())
    attempts = [rows[at : at + items] for at in range(0, len(rows), items)] if items else []
    current = attempts[-1] if attempts else []
    grades = graded(project, trainer, rules.demonstrations)
    state = _state(rules, items, attempts, grades)
    return ExamStanding(
        state,
        rules,
        attempt=max(1, len(attempts)),
        done=len(current) if len(current) < items or state != "open" else 0,
        items=items,
        pairs_right=_share(current),
        grade=grades.mean,
        demonstrations=rules.demonstrations,
    )


def _state(rules: ExamRules, items: int, attempts: list[list[Ranking]], grades: Grades) -> str:
    if items == 0:  # an exam without items keeps nobody out
        return grades.state(rules) if rules.demonstrations else "not_needed"
    whole = [attempt for attempt in attempts if len(attempt) == items]
    if any((_share(attempt) or 0) >= rules.pass_pairs for attempt in whole):
        return grades.state(rules)
    return "failed" if len(whole) >= rules.attempts else "open"


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


def graded(project: Project, trainer: User, first: int) -> Grades:
    """Of the trainer's first so many demonstrations that a reviewer graded."""
    if not first:
        return Grades()
    demonstrations = Dialogue.objects.filter(
        project=project, author=trainer, kind=Dialogue.Kind.DEMONSTRATION, submitted_at__isnull=False
    ).order_by("submitted_at")
    marks = Review.objects.in_force().filter(dialogue__in=demonstrations.values("pk"), grade__isnull=False)
    latest = marks.order_by("dialogue__submitted_at").values("dialogue").annotate(mark=Avg("grade"))[:first]
    values = [row["mark"] for row in latest]
    return Grades(len(values), sum(values) / len(values) if values else None)


def kinds_open_to(project: Project, trainer: User, avoided: Avoided = NOTHING) -> tuple[str, ...]:
    """Kinds of comparison that this trainer may be given now, the first to be tried first.

    Raises:
        Invalid: the exam was failed.
    """
    standing = exam_standing(project, trainer)
    if standing.state == "failed":
        raise Invalid("You did not pass the entry exam of this project. Your manager can tell you more.")
    if standing.state == "open":
        _make_next_item(project, trainer, avoided)
        return (Kind.EXAM,)
    if standing.state == "waiting":
        raise Invalid("Your exam demonstrations wait for their grades. Ranking opens once they pass.")
    first = hidden.kind_to_try_first(project)
    others = [Kind.NORMAL, Kind.CALIBRATION, Kind.REPEAT]
    return (first, *(kind for kind in others if kind != first))


def _make_next_item(project: Project, trainer: User, avoided: Avoided) -> None:
    """Have the next exam item waiting, each item once an attempt, as far as there are items that the trainer does
    not avoid: they make the others' number full by coming again. The caller holds the membership's lock."""
    mine = Comparison.objects.filter(project=project, kind=Kind.EXAM, source=Kind.EXAM, only_for=trainer)
    if avoided.leave_out(mine.filter(state=Comparison.State.OPEN)).exists():
        return
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = avoided.leave_out(originals(project, Kind.EXAM)).annotate(used=used).order_by("used", "?").first()
    if item is not None:
        hand_to(original=item, trainer=trainer, kind=Kind.EXAM)


def has_practice(project: Project) -> bool:
    """Whether anybody could practise here."""
    return originals(project, PRACTICE).exists()


def with_practice(projects: Iterable[Project]) -> set[UUID]:
    """Those of the projects where there is something to practise or an exam to stand in. The home page asks at every
    visit, and no index leads to the few items, so the answer is kept for minutes."""
    ruled = {project.pk: bool(ExamRules.of(project.exam).required) for project in projects}
    keys = {practice_key(pk): pk for pk, required in ruled.items() if not required}
    known: dict[str, bool] = cache.get_many(list(keys)) if keys else {}
    if missing := [pk for key, pk in keys.items() if key not in known]:
        found = set(
            of_source(PRACTICE).filter(project__in=missing).order_by().values_list("project", flat=True).distinct()
        )
        fresh = {practice_key(pk): pk in found for pk in missing}
        cache.set_many(fresh, KEPT)
        known |= fresh
    return {pk for pk, required in ruled.items() if required or known.get(practice_key(pk))}


def next_practice(*, project: Project, trainer: User, avoided: Avoided = NOTHING) -> Comparison | None:
    """An open practice item for this trainer, the least used first; None where the project has none. The caller
    holds the membership's lock."""
    mine = Comparison.objects.filter(project=project, source=PRACTICE, only_for=trainer, state=Comparison.State.OPEN)
    if (waiting := avoided.leave_out(mine).first()) is not None:
        return waiting
    used = Count("repeats", filter=Q(repeats__only_for=trainer))
    item = avoided.leave_out(originals(project, PRACTICE)).annotate(used=used).order_by("used", "?").first()
    return hand_to(original=item, trainer=trainer, kind=Kind.EXAM) if item else None


def practised(project: Project, trainer: User) -> QuerySet[Ranking]:
    """The trainer's finished practice items, newest first; the comparison holds the order and explanation."""
    return practised_by(trainer).filter(comparison__project=project).select_related("comparison__repeat_of")


def practised_by(trainer: User) -> QuerySet[Ranking]:
    """Of all projects."""
    mine = Ranking.objects.in_force().filter(trainer=trainer, comparison__only_for=trainer)
    return mine.filter(comparison__source=PRACTICE).order_by("-submitted_at")
