"""The leases on comparisons: who is given which vote, for how long, and what becomes of it.

Lock order, everywhere: the trainer's membership, the comparison, the assignment. `FOR UPDATE SKIP LOCKED`
alone does not cap a count (a claimer whose statement began before another's commit gets the row with the
old count), so votes are recounted in a second statement under the comparison's lock; the partial unique
constraint on (comparison, slot) backs it up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from common.transactions import joins
from common.transitions import advance
from labeling import selection
from labeling.errors import Gone, Invalid
from labeling.models import Assignment, Comparison, Membership, Project
from labeling.projects import current_guidelines
from labeling.quality import exams

if TYPE_CHECKING:
    from accounts.models import User

HELD = (Assignment.State.LEASED, Assignment.State.SUBMITTED)
CLAIM_TRIES = 20


@joins
def lease_next(
    *, project: Project, trainer: User, membership: Membership | None = None
) -> tuple[Assignment | None, bool]:
    """The trainer's lease: the open one, else a new one on a comparison that wants a vote, else None.

    Returns (assignment, whether it is new). Holds the lock on the trainer's membership, so that two tabs
    of one trainer get the same lease; never a comparison that the trainer had before, nor one of their own
    chats where the project excludes them. A caller that holds the membership's lock already gives it.

    Raises:
        Invalid: the person may not rank here, or not yet; nothing was written.
    """
    if membership is None and hold(project=project, trainer=trainer) is None:
        raise Invalid("Your role in this project does not include ranking.")
    if project.archived_at is not None:
        return None, False
    mine = Assignment.objects.of(trainer).filter(comparison__project=project)
    held = Q(state=Assignment.State.LEASED, kind=Assignment.Kind.VOTE)
    unfinished = Q(state=Assignment.State.EXPIRED, comparison__state=Comparison.State.OPEN) & ~Q(draft={})
    begun = mine.filter(held | unfinished).order_by("-state", "-draft_saved_at", "created_at")
    for pk in begun.values_list("pk", flat=True)[:4]:  # mostly none: so no wide rows are asked for
        assignment = mine.select_related("comparison").get(pk=pk)
        assignment.comparison.project = project
        if assignment.state == Assignment.State.LEASED:  # sorted first
            _extend(assignment)
            return assignment, False
        with transaction.atomic():
            if _revive(assignment):
                return assignment, False
            transaction.set_rollback(True)
    for kind in exams.kinds_open_to(project, trainer):
        if (claimed := _claim(project, trainer, kind)) is not None:
            comparison, slot = claimed
            return lease(comparison=comparison, trainer=trainer, slot=slot), True
    return None, False


def hold(*, project: Project, trainer: User) -> Membership | None:
    """Lock the trainer's membership, the first lock of all; None where they may not rank."""
    return (
        Membership.objects.select_for_update()
        .filter(project=project, user=trainer, ended_at__isnull=True, role__in=Membership.RANKERS)
        .order_by()  # at most one
        .first()
    )


@transaction.atomic
def lease_practice(*, project: Project, trainer: User) -> Assignment | None:
    """A practice item for this trainer, the one begun first; None where the project has none."""
    item = exams.next_practice(project=project, trainer=trainer)
    if item is None:
        return None
    begun = Assignment.objects.filter(comparison=item, trainer=trainer).first()
    return begun or lease(comparison=item, trainer=trainer)


def wanting(project: Project, trainer: User, kind: str = "") -> QuerySet[Comparison]:
    """Open comparisons of the project with a free vote that this trainer may give, oldest first. A `kind`
    narrows: hidden items of that kind, made for this trainer alone, or the ordinary ones of everybody."""
    if kind == Comparison.Kind.NORMAL:
        whose = Q(only_for__isnull=True)
    elif kind:
        whose = Q(only_for=trainer, kind=kind)
    else:
        whose = Q(only_for__isnull=True) | Q(only_for=trainer)
    rows = (
        Comparison.objects.filter(whose, project=project, state=Comparison.State.OPEN)
        .filter(~Exists(Assignment.objects.filter(comparison=OuterRef("pk"), trainer=trainer).order_by()))
        .alias(held=held_count())
        .filter(held__lt=F("votes_wanted"))
        .order_by("opened_at", "pk")
    )
    if project.exclude_own_chats:
        rows = rows.filter(Q(author__isnull=True) | ~Q(author=trainer))
    return rows


def held_count() -> Coalesce:
    """Votes of the comparison that are leased or given, as a subquery: a join and GROUP BY would count
    a large project's assignments to find one row."""
    held = (
        Assignment.objects.filter(comparison=OuterRef("pk"), slot__isnull=False, state__in=HELD)
        .order_by()
        .values("comparison")
        .annotate(n=Count("*"))
        .values("n")
    )
    return Coalesce(Subquery(held, output_field=IntegerField()), 0)


def _claim(project: Project, trainer: User, kind: str) -> tuple[Comparison, int] | None:
    """Lock a comparison with a free vote; both. Rows locked by others are passed over at first; when only such
    rows are left, wait for one, since its vote may yet be free."""
    for attempt in range(CLAIM_TRIES):
        rows = wanting(project, trainer, kind)
        wait = attempt >= CLAIM_TRIES // 2
        with transaction.atomic():
            found = rows.select_for_update(of=("self",), skip_locked=not wait).first()
            if found is not None and (slot := free_slot(found)) is not None:  # recounted under the lock
                found.project = project
                return found, slot
            transaction.set_rollback(True)  # lets go of the row: waiting for one while holding another deadlocks
        if found is None and not rows.exists():
            return None
    return None


def free_slot(comparison: Comparison) -> int | None:
    """The lowest free vote of a comparison whose row the caller holds locked."""
    taken = set(
        Assignment.objects.filter(comparison=comparison, slot__isnull=False, state__in=HELD)
        .order_by()
        .values_list("slot", flat=True)
    )
    return next((slot for slot in range(comparison.votes_wanted) if slot not in taken), None)


def lease(
    *,
    comparison: Comparison,
    trainer: User,
    kind: str = Assignment.Kind.VOTE,
    seed: int | None = None,
    slot: int | None = None,
) -> Assignment:
    """Give a vote of the locked `comparison` (`slot`, else its lowest free one) to `trainer`, with an order of
    presentation drawn for both."""
    now = timezone.now()
    seed = selection.new_seed() if seed is None else seed
    return Assignment.objects.create(
        comparison=comparison,
        trainer=trainer,
        kind=kind,
        slot=free_slot(comparison) if kind == Assignment.Kind.VOTE and slot is None else slot,
        guideline_version=current_guidelines(comparison.project),
        order_shown=selection.presentation_order(list(comparison.texts), seed),
        order_seed=seed,
        heartbeat_at=now,
        expires_at=now + timedelta(minutes=comparison.project.lease_minutes),
    )


@transaction.atomic
def heartbeat(*, assignment: Assignment, seconds: int = 0) -> Assignment:
    """The trainer is still at it: put the expiry off; take an expired lease up again if a vote is free.

    Raises:
        Gone: it ended, or its vote went to somebody else (the draft is kept, and can still be submitted).
    """
    _, locked = lock(assignment)
    if locked.state == Assignment.State.EXPIRED and not _revive(locked):
        raise Gone("Your lease ran out and the vote went to somebody else. What you did is kept.")
    if locked.state != Assignment.State.LEASED:
        raise Gone("This task has ended.")
    _extend(locked, seconds=seconds)
    return locked


def expire_leases() -> int:
    """Give back the votes of leases that were not heard of in time; their drafts are kept."""
    now = timezone.now()
    overdue = Assignment.objects.filter(expires_at__lt=now)
    return advance(overdue, to=Assignment.State.EXPIRED, table=Assignment.TRANSITIONS, slot=None, ended_at=now)


def _revive(assignment: Assignment) -> bool:
    """Take an expired lease up again if a vote is free."""
    comparison = Comparison.objects.select_for_update(of=("self",)).get(pk=assignment.comparison_id)
    if comparison.state != Comparison.State.OPEN:
        return False
    slot = free_slot(comparison) if assignment.kind == Assignment.Kind.VOTE else None
    if slot is None and assignment.kind == Assignment.Kind.VOTE:
        return False
    expires_at = timezone.now() + timedelta(minutes=assignment.comparison.project.lease_minutes)
    return bool(
        advance(
            assignment,
            to=Assignment.State.LEASED,
            table=Assignment.TRANSITIONS,
            slot=slot,
            ended_at=None,
            expires_at=expires_at,
            heartbeat_at=timezone.now(),
        )
    )


def _extend(assignment: Assignment, *, seconds: int = 0) -> None:
    now = timezone.now()
    assignment.heartbeat_at = now
    assignment.expires_at = now + timedelta(minutes=assignment.comparison.project.lease_minutes)
    assignment.seconds += max(0, min(seconds, 600))
    assignment.save(update_fields=["heartbeat_at", "expires_at", "seconds"])


def lock(assignment: Assignment) -> tuple[Comparison, Assignment]:
    """Lock the assignment's comparison, then the assignment; both as they now stand, with the project as the
    caller read it."""
    comparison = Comparison.objects.select_for_update(of=("self",)).get(pk=assignment.comparison_id)
    comparison.project = assignment.comparison.project
    locked = Assignment.objects.select_for_update(of=("self",)).get(pk=assignment.pk)
    locked.comparison = comparison
    return comparison, locked
