"""Rankings as they are submitted. Taken back or mended afterwards: `labeling/corrections.py`.

Leases, and the order of locks that all of this keeps, are in `labeling/leases.py`; what may be said of a
comparison is checked in `labeling/judgements.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common.transactions import joins
from common.transitions import advance
from labeling import dialogues, judgements, leases, votes
from labeling.errors import Conflict, Gone, Invalid
from labeling.judgements import NONE_REASONS, Judgement, Reading, Said
from labeling.models import Assignment, Comparison, Membership, Project, Ranking
from labeling.quality import overlap, screening

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies


@dataclass(frozen=True)
class Submitted:
    """What became of a submission: the ranking, and the task that follows. Without one, `none_left` says why;
    it is empty where nothing wants this trainer's vote just now."""

    ranking: Ranking
    following: Assignment | None
    none_left: str = ""


@transaction.atomic
def submit_and_lease_next(
    *,
    assignment: Assignment,
    trainer: User,
    seconds: int | None = None,
    expected_version: int | None = None,
    reading: Reading | None = None,
    and_lease: bool = True,
    **said: Unpack[Said],
) -> Submitted:
    """Store the judgement of the assignment's `trainer` and lease their next task in one commit, in the order
    that locks are taken. Where no task may follow, the ranking stands all the same. A reviewer's blind vote leads to
    no task: without `and_lease` none is given.

    Raises:
        What `submit_ranking` raises; nothing was written then.
    """
    project = assignment.comparison.project
    membership = leases.lock_membership(project=project, trainer=trainer)
    ranking, _ = submit_ranking(
        assignment=assignment,
        seconds=seconds,
        expected_version=expected_version,
        membership=membership,
        reading=reading,
        **said,
    )
    if not and_lease:
        return Submitted(ranking, None)
    try:
        following, _ = leases.lease_next(project=project, trainer=trainer, membership=membership)
    except Invalid as refusal:  # raised before it writes anything
        return Submitted(ranking, None, str(refusal))
    return Submitted(ranking, following)


@joins
def submit_ranking(
    *,
    assignment: Assignment,
    seconds: int | None = None,
    expected_version: int | None = None,
    membership: Membership | None = None,
    reading: Reading | None = None,
    **said: Unpack[Said],
) -> tuple[Ranking, bool]:
    """Store the trainer's judgement; the same again returns it with False.

    A vote that comes after its lease ran out counts if a vote is free and is kept as surplus otherwise.
    `membership` is the trainer's, from a caller that has it already. `reading` is no part of what was said: it is kept
    beside it.

    Raises:
        Invalid, NeedsConfirmation, Gone (skipped); Conflict: another judgement was submitted before, or another
            tab saved the draft since `expected_version`.
    """
    comparison, locked = leases.lock(assignment)
    if expected_version not in (None, locked.draft_version) and locked.state in leases.OPEN:
        raise Conflict(
            "This task was changed in another tab since. What you see is what you sent: submit again to keep it."
        )
    judgement = judgements.check(comparison, locked.order_shown, **said)
    if (standing := _submitted_before(locked, judgement)) is not None:
        return standing, False
    if comparison.state == Comparison.State.DISCARDED:
        raise Gone("This comparison was withdrawn.")
    now = timezone.now()
    _end_lease(comparison, locked, now)
    ranking = _store(
        comparison, locked, judgement, seconds=seconds, membership=membership, reading=reading or {}, now=now
    )
    in_force = overlap.votes_in_force(comparison)
    screening.screen_ranking(ranking, in_force)
    overlap.ask_more_votes(comparison, in_force)
    if comparison.state == Comparison.State.OPEN and len(in_force) >= comparison.votes_wanted:
        advance(comparison, to=Comparison.State.CLOSED, table=Comparison.TRANSITIONS, closed_at=now)
    return ranking, True


def _submitted_before(locked: Assignment, judgement: Judgement) -> Ranking | None:
    if locked.state == Assignment.State.SKIPPED:
        raise Gone("You skipped this task.")
    if locked.state != Assignment.State.SUBMITTED:
        return None
    standing = locked.rankings.in_force().get()
    if standing.submission_hash != judgement.digest():
        raise Conflict("You have submitted another ranking of these completions. Undo that one first.")
    return standing


def _end_lease(comparison: Comparison, locked: Assignment, now: datetime) -> None:
    columns: dict[str, object] = {"ended_at": now}
    if locked.state == Assignment.State.EXPIRED and locked.kind == Assignment.Kind.VOTE:
        slot = votes.free_slot(comparison) if comparison.state == Comparison.State.OPEN else None
        columns |= {"slot": slot} if slot is not None else {"kind": Assignment.Kind.SURPLUS}
    leases.move(locked, Assignment.State.SUBMITTED, **columns)


def _store(
    comparison: Comparison,
    locked: Assignment,
    judgement: Judgement,
    *,
    seconds: int | None,
    membership: Membership | None,
    reading: Reading,
    now: datetime,
) -> Ranking:
    if seconds is None:
        seconds = locked.seconds or round((now - locked.created_at).total_seconds())
    if membership is None:
        member = Membership.objects.filter(project=comparison.project_id, user_id=locked.trainer_id)
        membership = member.order_by().first()
    ideal = judgement.ideal_answer
    return Ranking.objects.create(
        assignment=locked,
        comparison=comparison,
        trainer_id=locked.trainer_id,
        kind=locked.kind,
        guideline_version_id=locked.guideline_version_id,
        order_shown=locked.order_shown,
        reading=reading,
        **judgement.columns(),
        flags_version=comparison.project.flags_version,
        ideal_answer=dialogues.submit_ideal_answer(assignment=locked, text=ideal) if ideal else None,
        seconds=max(0, seconds),
        label_weight=membership.label_weight if membership else None,
        submitted_at=now,
    )


def empty_words(*, project: Project, trainer: User, about: Copies, text: str) -> int:
    """Withdrawal: the orders stay; the person's words go, and everybody's about what is withdrawn."""
    theirs = Q(comparison__project=project, trainer=trainer) | Q(comparison__in=about.comparison_ids)
    found = Ranking.objects.filter(theirs)
    found.exclude(not_rankable="").exclude(not_rankable__in=NONE_REASONS).update(not_rankable=text)
    return found.update(note="", source_row=None)


def empty_imported(*, about: Copies) -> None:
    """Withdrawal: imported judgements stay without notes and raw records, which quote the person."""
    Ranking.objects.filter(comparison__in=about.comparison_ids, kind=Ranking.Kind.IMPORTED).update(
        note="", source_row=None
    )
    about.comparisons.update(source_row=None)
