"""What a trainer does under a lease: keeps it alive, saves unfinished work, gives it back. And how leases end from
outside.

Submitting is in `labeling/rankings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from common.transitions import advance
from labeling import leases
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Assignment, Comparison, Project
from labeling.text import check_json, clean

if TYPE_CHECKING:
    from accounts.models import User
    from common.shapes import JsonLike
    from labeling.lineage import Copies

MAX_DRAFT_CHARACTERS = 200_000
SKIP_REASONS = (
    gettext_noop("Not my subject"),
    gettext_noop("Not my language"),
    gettext_noop("Too long to read with care now"),
    gettext_noop("It upsets me"),
    gettext_noop("It is not displayed correctly"),
)
"""Offered on the page; a trainer may say another."""
OWN_WORDS = "A reason of their own, withdrawn."


@transaction.atomic
def heartbeat(*, assignment: Assignment, seconds: int = 0) -> Assignment:
    """The trainer is still at it: put the expiry off; take an expired lease up again if a vote is free.

    Raises:
        Gone: it ended, or its vote went to somebody else (the draft is kept, and can still be submitted).
    """
    _, locked = leases.lock(assignment)
    if locked.state == Assignment.State.EXPIRED and not leases.revive(locked):
        raise Gone("Your time on this task expired and someone else did it. Your work is kept.")
    if locked.state != Assignment.State.LEASED:
        raise Gone("This task has ended.")
    leases.extend(locked, seconds=seconds)
    return locked


def save_draft(
    *, assignment: Assignment, draft: Mapping[str, JsonLike], expected_version: int | None = None, seconds: int = 0
) -> int:
    """Keep unfinished work, also on an expired lease; return the new version.

    Raises:
        Conflict: another tab saved since `expected_version`. Gone: submitted or skipped meanwhile.
    """
    if len(str(draft)) > MAX_DRAFT_CHARACTERS:
        raise Invalid("A draft holds at most %(most)s characters.", most=MAX_DRAFT_CHARACTERS)
    check_json(draft)
    now = timezone.now()
    rows = Assignment.objects.filter(pk=assignment.pk, state__in=leases.OPEN)
    if expected_version is not None:
        rows = rows.filter(draft_version=expected_version)
    saved = rows.update(
        draft=dict(draft),
        draft_version=F("draft_version") + 1,
        draft_saved_at=now,
        heartbeat_at=now,
        expires_at=leases.expiry(assignment.comparison.project, now),
        seconds=F("seconds") + max(0, min(seconds, leases.MAX_SECONDS_PER_SAVE)),
    )
    current = Assignment.objects.get(pk=assignment.pk)
    if not saved:
        if current.state not in leases.OPEN:
            raise Gone("This task has ended.")
        raise Conflict("This task is open in another tab, which saved last.", version=current.draft_version)
    return current.draft_version


@transaction.atomic
def skip(*, assignment: Assignment, reason: str) -> Assignment:
    """Give the task back for good, with a reason; its vote is free again, once."""
    reason = clean(reason).strip()[:200]
    if not reason:
        raise Invalid("Say why you are skipping this.")
    _, locked = leases.lock(assignment)
    if locked.state not in leases.OPEN:
        raise Gone("This task has ended.")
    leases.move(locked, Assignment.State.SKIPPED, slot=None, skip_reason=reason, ended_at=timezone.now())
    return locked


def take_back(*, comparisons: QuerySet[Comparison]) -> None:
    """End every lease on withdrawn comparisons and empty what was begun there."""
    theirs = Assignment.objects.filter(comparison__in=comparisons)
    advance(theirs, to=Assignment.State.EXPIRED, table=Assignment.TRANSITIONS, slot=None, ended_at=timezone.now())
    theirs.update(draft={})


def empty_drafts(*, project: Project, trainer: User | None, about: Copies) -> int:
    """Withdrawal: what the person began is forgotten, and given back for good. Reasons in words of one's own go too,
    the person's and everybody's about what is withdrawn. `trainer` is None where it is not of a whole person."""
    theirs = Assignment.objects.none()
    if trainer is not None:
        here = Comparison.objects.filter(project=project)
        theirs = Assignment.objects.filter(comparison__in=here, trainer=trainer)
    about_it = Assignment.objects.filter(comparison__in=about.comparison_ids)
    reasons = (theirs | about_it).exclude(skip_reason="")
    reasons.exclude(skip_reason__in=SKIP_REASONS).update(skip_reason=OWN_WORDS)
    emptied = theirs.update(draft={})
    begun = theirs.filter(state__in=leases.OPEN)
    reason, now = "The trainer's data was withdrawn.", timezone.now()
    advance(
        begun, to=Assignment.State.SKIPPED, table=Assignment.TRANSITIONS, slot=None, skip_reason=reason, ended_at=now
    )
    return emptied
