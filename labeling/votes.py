"""Which comparisons want a vote, and how many of their votes are taken. Reads and locks; writes nothing.

`FOR UPDATE SKIP LOCKED` alone does not cap a count (a claimer whose statement began before another's commit gets the
row with the old count), so votes are counted by the comparison's slots, each of which a partial unique constraint gives
to one. Who is given the next vote: `labeling/claiming.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from labeling import offering
from labeling.models import Assignment, Comparison, Project

if TYPE_CHECKING:
    from accounts.models import User

HELD = (Assignment.State.LEASED, Assignment.State.SUBMITTED)


def wanting(project: Project, trainer: User, kind: str = "") -> QuerySet[Comparison]:
    """Open comparisons of the project with a free vote that this trainer may give, oldest first. A `kind`
    narrows: hidden items of that kind, made for this trainer alone, or the ordinary ones of everybody."""
    rows = Comparison.objects.filter(project=project, state=Comparison.State.OPEN)
    if kind == Comparison.Kind.NORMAL:
        rows = rows.filter(only_for__isnull=True)
    elif kind:
        rows = rows.filter(only_for=trainer, kind=kind)
    else:
        rows = rows.filter(Q(only_for__isnull=True) | Q(only_for=trainer))
    return open_to(rows, project, trainer).order_by("opened_at", "pk")


def open_to(rows: QuerySet[Comparison], project: Project, trainer: User) -> QuerySet[Comparison]:
    """Those with a free vote that this trainer may give: not had before, not their own where that is
    excluded, and of no kind of harm that they avoid."""
    if project.exclude_own_chats:
        rows = rows.filter(Q(author__isnull=True) | ~Q(author=trainer))
    rows = offering.avoided(project, trainer).leave_out(rows)
    return with_a_free_vote(not_had_by(rows, trainer))


def waiting_for_others(project: Project, trainer: User) -> int:
    """Open comparisons that want a further vote, which this trainer has given or may not give; without
    what they avoid."""
    rows = Comparison.objects.filter(project=project, state=Comparison.State.OPEN, kind=Comparison.Kind.NORMAL)
    rows = offering.avoided(project, trainer).leave_out(rows)
    return with_a_free_vote(rows).exclude(pk__in=open_to(rows, project, trainer).values("pk")).count()


def not_had_by(rows: QuerySet[Comparison], trainer: User) -> QuerySet[Comparison]:
    """Never the same trainer twice on one comparison, whatever became of the first time."""
    return rows.filter(~Exists(Assignment.objects.filter(comparison=OuterRef("pk"), trainer=trainer).order_by()))


def with_a_free_vote(rows: QuerySet[Comparison]) -> QuerySet[Comparison]:
    """Those that want more votes than are leased or given. Counted by a subquery: a join and GROUP BY would
    count a large project's assignments to find one row."""
    held = (
        Assignment.objects.filter(comparison=OuterRef("pk"), slot__isnull=False, state__in=HELD)
        .order_by()
        .values("comparison")
        .annotate(n=Count("*"))
        .values("n")
    )
    return rows.alias(held=Coalesce(Subquery(held, output_field=IntegerField()), 0)).filter(held__lt=F("votes_wanted"))


def free_slot(comparison: Comparison) -> int | None:
    """The lowest free vote of a comparison whose row the caller holds locked."""
    taken = set(
        Assignment.objects.filter(comparison=comparison, slot__isnull=False, state__in=HELD)
        .order_by()
        .values_list("slot", flat=True)
    )
    return next((slot for slot in range(comparison.votes_wanted) if slot not in taken), None)
