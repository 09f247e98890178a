"""The leases on comparisons: who is given which vote and for how long, taken up again, run out.

What a trainer does under a lease: `labeling/assignments.py`.

Lock order, everywhere: the trainer's membership, the comparison, the assignment. Which comparisons want a vote,
and why votes are counted under the comparison's lock: `labeling/votes.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from common.compiled import compiled
from common.transactions import joins
from common.transitions import advance
from labeling import claiming, offering, randomness, votes
from labeling.errors import Gone, Invalid, NotAgreed, NotOffered
from labeling.models import Assignment, Comparison, Membership, Project
from labeling.offering import Avoided
from labeling.projects import current_guidelines
from labeling.quality import exams
from labeling.quality.rules import ExamRules

if TYPE_CHECKING:
    from accounts.models import User

OPEN = (Assignment.State.LEASED, Assignment.State.EXPIRED)  # can still be submitted or skipped
MAX_SECONDS_PER_SAVE = 600
UNFINISHED = Q(state=Assignment.State.EXPIRED, comparison__state=Comparison.State.OPEN) & ~Q(draft={})


# -- given -----------------------------------------------------------------------------------------


def lease_next(*, project: Project, trainer: User, by_program: bool = False) -> tuple[Assignment | None, bool]:
    """The trainer's lease: the open one, else a new one on a comparison that wants a vote, else None.

    Returns (assignment, whether it is new). Holds the lock on the trainer's membership, so that two tabs
    of one trainer get the same lease; never a comparison that the trainer had before, nor one of their own
    chats where the project excludes them. Mostly one round trip: only what was begun, and an exam, whose items
    are made when they are wanted, take a transaction of several.

    Raises:
        Invalid: the person may not rank here, or not yet; NotAgreed: they have to read something first. Nothing was
            written.
    """
    if project.archived_at is None and not ExamRules.of(project.exam).required:
        try:
            return _new(project, trainer, by_program=by_program)
        except (claiming.HasBegun, NotAgreed, NotOffered):
            pass
    return _begun_or_new(project, trainer, by_program=by_program)


@joins
def _begun_or_new(project: Project, trainer: User, *, by_program: bool) -> tuple[Assignment | None, bool]:
    if lock_membership(project=project, trainer=trainer) is None:
        raise Invalid(claiming.NOT_A_RANKER)
    if project.archived_at is not None:
        return None, False
    if (begun := _begun(project, trainer, offering.avoided(project, trainer))) is not None:
        return begun, False
    return _new(project, trainer, by_program=by_program, beside_begun=True)


def _new(
    project: Project, trainer: User, *, by_program: bool, beside_begun: bool = False
) -> tuple[Assignment | None, bool]:
    offering.check(project=project, person=trainer, by_program=by_program)
    avoided = offering.avoided(project, trainer)
    for kind in exams.kinds_open_to(project, trainer, avoided):
        claimed = claiming.claim(project, trainer, kind, avoided=avoided, beside_begun=beside_begun)
        if claimed is not None:
            return claimed, True
    return None, False


def lock_membership(*, project: Project, trainer: User) -> Membership | None:
    """Lock the trainer's membership, the first lock of all; None where they may not rank."""
    return next(iter(_membership_locked(project, trainer)), None)


@compiled
def _membership_locked(project: Project, trainer: User) -> QuerySet[Membership]:
    """At most one."""
    live = Membership.objects.filter(project=project, user=trainer, ended_at__isnull=True)
    return live.filter(role__in=Membership.RANKERS).order_by().select_for_update()


def _begun(project: Project, trainer: User, avoided: Avoided) -> Assignment | None:
    """The open lease, put off; else work whose lease ran out, taken up again if a vote is free and the trainer does not
    avoid it by now."""
    mine = Assignment.objects.of(trainer).filter(comparison__project=project)
    held = Q(state=Assignment.State.LEASED, kind=Assignment.Kind.VOTE)
    begun = mine.filter(held | UNFINISHED).order_by("-state", "-draft_saved_at", "created_at")
    for pk in begun.values_list("pk", flat=True)[:4]:  # mostly none: so no wide rows are asked for
        assignment = mine.select_related("comparison").get(pk=pk)
        assignment.comparison.project = project
        if assignment.state == Assignment.State.LEASED:  # sorted first
            extend(assignment)
            return assignment
        if avoided.has(assignment.comparison.harms):
            continue
        with transaction.atomic():
            if revive(assignment):
                return assignment
            transaction.set_rollback(True)
    return None


@transaction.atomic
def lease_practice(*, project: Project, trainer: User) -> Assignment | None:
    """A practice item for this trainer, the one begun first; None where the project has none.

    Raises:
        Invalid: a guest, or not a member. NotAgreed.
    """
    if lock_membership(project=project, trainer=trainer) is None:
        raise Invalid(claiming.NOT_A_RANKER)
    offering.check(project=project, person=trainer)
    item = exams.next_practice(project=project, trainer=trainer, avoided=offering.avoided(project, trainer))
    if item is None:
        return None
    begun = Assignment.objects.filter(comparison=item, trainer=trainer).first()
    return begun or lease(comparison=item, trainer=trainer)


def lease(
    *,
    comparison: Comparison,
    trainer: User,
    kind: str = Assignment.Kind.VOTE,
    seed: int | None = None,
) -> Assignment:
    """Give the lowest free vote of the locked `comparison` to `trainer`, with an order of presentation drawn for
    both."""
    now = timezone.now()
    seed = randomness.new_seed() if seed is None else seed
    return Assignment.objects.create(
        comparison=comparison,
        trainer=trainer,
        kind=kind,
        slot=votes.free_slot(comparison) if kind == Assignment.Kind.VOTE else None,
        guideline_version=current_guidelines(comparison.project),
        order_shown=randomness.presentation_order(list(comparison.texts), seed),
        order_seed=seed,
        heartbeat_at=now,
        expires_at=expiry(comparison.project, now),
    )


# -- kept, run out ---------------------------------------------------------------------------------


def expire_leases() -> int:
    """Give back the votes of leases whose trainers fell silent; their drafts are kept."""
    now = timezone.now()
    overdue = Assignment.objects.filter(expires_at__lt=now)
    return advance(overdue, to=Assignment.State.EXPIRED, table=Assignment.TRANSITIONS, slot=None, ended_at=now)


def revive(assignment: Assignment) -> bool:
    """Take an expired lease up again if a vote is free."""
    comparison = Comparison.objects.select_for_update(of=("self",)).get(pk=assignment.comparison_id)
    if comparison.state != Comparison.State.OPEN:
        return False
    if comparison.harms and set(comparison.harms) & set(assignment.trainer.opted_out_of):
        return False
    slot = votes.free_slot(comparison) if assignment.kind == Assignment.Kind.VOTE else None
    if slot is None and assignment.kind == Assignment.Kind.VOTE:
        return False
    now = timezone.now()
    return bool(
        advance(
            assignment,
            to=Assignment.State.LEASED,
            table=Assignment.TRANSITIONS,
            slot=slot,
            ended_at=None,
            expires_at=expiry(assignment.comparison.project, now),
            heartbeat_at=now,
        )
    )


def extend(assignment: Assignment, *, seconds: int = 0) -> None:
    now = timezone.now()
    assignment.heartbeat_at = now
    assignment.expires_at = expiry(assignment.comparison.project, now)
    assignment.seconds += max(0, min(seconds, MAX_SECONDS_PER_SAVE))
    assignment.save(update_fields=["heartbeat_at", "expires_at", "seconds"])


# -- what every write on a lease shares ------------------------------------------------------------


def expiry(project: Project, now: datetime) -> datetime:
    return now + timedelta(minutes=project.lease_minutes)


def lock(assignment: Assignment) -> tuple[Comparison, Assignment]:
    """Lock the assignment's comparison, then the assignment; both as they now stand, with the project as the
    caller read it."""
    rows = Assignment.objects.select_related("comparison").select_for_update(of=("comparison", "self"))
    locked = rows.order_by().get(pk=assignment.pk)
    locked.comparison.project = assignment.comparison.project
    return locked.comparison, locked


def move(assignment: Assignment, state: str, **columns: object) -> None:
    """Change the state of a locked assignment.

    Raises:
        Gone: it cannot step there any more.
    """
    if not advance(assignment, to=state, table=Assignment.TRANSITIONS, **columns):
        raise Gone("This task has ended.")
