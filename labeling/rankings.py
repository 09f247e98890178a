"""Rankings as they are submitted. Taken back or mended afterwards: `labeling/corrections.py`.

Leases, and the order of locks that all of this keeps, are in `labeling/leases.py`; what may be said of a
comparison is checked in `labeling/judgements.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common.transactions import joins
from common.transitions import advance
from labeling import contents, dialogues, judgements, leases, submission, telling, votes
from labeling.contents import Checked
from labeling.errors import Conflict, Gone, Invalid, NotAgreed
from labeling.judgements import NONE_REASONS, Judgement, Reading, Said
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality import overlap, screening
from labeling.submission import Locked

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies


@dataclass(frozen=True)
class Submitted:
    """What became of a submission: the ranking, and the task that follows. Without one, `none_left` says why;
    it is empty where nothing wants this trainer's vote just now. `not_agreed`: something is to be read before."""

    ranking: Ranking
    following: Assignment | None
    none_left: str = ""
    not_agreed: bool = False


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
    ideal = contents.check_ideal_answer(project=project, author_id=trainer.pk, text=said.get("ideal_answer", ""))
    with transaction.atomic():
        leases.lock_membership(project=project, trainer=trainer)  # the first lock of all
        ranking, _ = _lock_and_submit(assignment, seconds, expected_version, reading, ideal, **said)
        if not and_lease:
            return Submitted(ranking, None)
        try:
            following, _ = leases.lease_next(project=project, trainer=trainer)
        except NotAgreed:
            return Submitted(ranking, None, not_agreed=True)
        except Invalid as refusal:  # raised before it writes anything
            return Submitted(ranking, None, str(refusal))
        return Submitted(ranking, following)


def submit_own(
    *, pk: UUID, trainer: User, seconds: int | None = None, **said: Unpack[Said]
) -> tuple[Ranking, bool] | None:
    """`submit_ranking` for a program, which only knows the id: who may submit is read with the lock. None where this
    person has no such assignment in a project that they are a member of."""
    ideal = None
    if text := said.get("ideal_answer"):  # nothing else needs the project before the lock
        own = Assignment.objects.filter(pk=pk, trainer=trainer).select_related("comparison__project").first()
        if own is not None:
            ideal = contents.check_ideal_answer(project=own.comparison.project, author_id=trainer.pk, text=text)
    with transaction.atomic():
        locked = submission.lock(pk)
        if locked is None or locked.assignment.trainer_id != trainer.pk:
            return None
        if not (locked.is_member or trainer.is_superuser):
            return None
        return _submit(locked, seconds=seconds, reading={}, ideal=ideal, **said)


def submit_ranking(
    *,
    assignment: Assignment,
    seconds: int | None = None,
    expected_version: int | None = None,
    reading: Reading | None = None,
    **said: Unpack[Said],
) -> tuple[Ranking, bool]:
    """Store the trainer's judgement; the same again returns it with False.

    A vote that comes after its lease ran out counts if a vote is free and is kept as surplus otherwise.
    `reading` is no part of what was said: it is kept beside it.

    Raises:
        Invalid, NeedsConfirmation, Gone (skipped); Conflict: another judgement was submitted before, or another
            tab saved the draft since `expected_version`. Blocked: the content filter blocks the ideal answer.
    """
    project = assignment.comparison.project
    text = said.get("ideal_answer", "")
    ideal = contents.check_ideal_answer(project=project, author_id=assignment.trainer_id, text=text)
    return _lock_and_submit(assignment, seconds, expected_version, reading, ideal, **said)


@joins
def _lock_and_submit(
    assignment: Assignment,
    seconds: int | None,
    expected_version: int | None,
    reading: Reading | None,
    ideal: Checked | None,
    **said: Unpack[Said],
) -> tuple[Ranking, bool]:
    locked = submission.lock(assignment.pk, assignment.comparison.project)
    if locked is None:
        raise Assignment.DoesNotExist
    if expected_version not in (None, locked.assignment.draft_version) and locked.assignment.state in leases.OPEN:
        raise Conflict(
            "This task was changed in another tab since. What you see is what you sent: submit again to keep it."
        )
    return _submit(locked, seconds=seconds, reading=reading or {}, ideal=ideal, **said)


def _submit(
    locked: Locked, *, seconds: int | None, reading: Reading, ideal: Checked | None, **said: Unpack[Said]
) -> tuple[Ranking, bool]:
    comparison, assignment = locked.comparison, locked.assignment
    judgement = judgements.check(comparison, assignment.order_shown, **said)
    if (standing := _submitted_before(assignment, judgement)) is not None:
        return standing, False
    if comparison.state == Comparison.State.DISCARDED:
        raise Gone("This comparison was withdrawn.")
    now = timezone.now()
    kind, slot = _vote_of(comparison, assignment)
    ranking = _ranking(locked, judgement, kind=kind, seconds=seconds, reading=reading, now=now)
    if ideal is not None and ranking.ideal_answer is not None:
        ideal.keep(dialogues.own_turn_of(ranking.ideal_answer))
    in_force = submission.store(ranking, slot=slot, may_close=not overlap.may_ask_more(comparison))
    if in_force is None:  # it cannot be: the row is locked
        raise Gone("This task has ended.")
    screening.screen_ranking(ranking, in_force)
    overlap.ask_more_votes(comparison, in_force)
    if comparison.state == Comparison.State.OPEN and len(in_force) >= comparison.votes_wanted:
        advance(comparison, to=Comparison.State.CLOSED, table=Comparison.TRANSITIONS, closed_at=now)
    telling.submitted(comparison.project, trainer_id=assignment.trainer_id)
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


def _vote_of(comparison: Comparison, locked: Assignment) -> tuple[str, int | None]:
    """What the submission counts as, and the vote that it holds: a late one needs a free vote."""
    if locked.state != Assignment.State.EXPIRED or locked.kind != Assignment.Kind.VOTE:
        return locked.kind, locked.slot
    slot = votes.free_slot(comparison) if comparison.state == Comparison.State.OPEN else None
    return (Assignment.Kind.VOTE, slot) if slot is not None else (Assignment.Kind.SURPLUS, None)


def _ranking(
    locked: Locked, judgement: Judgement, *, kind: str, seconds: int | None, reading: Reading, now: datetime
) -> Ranking:
    """The row to be stored; an ideal answer is stored here already."""
    assignment, comparison, ideal = locked.assignment, locked.comparison, judgement.ideal_answer
    if seconds is None:
        seconds = assignment.seconds or round((now - assignment.created_at).total_seconds())
    return Ranking(
        assignment=assignment,
        comparison=comparison,
        trainer_id=assignment.trainer_id,
        kind=kind,
        guideline_version_id=assignment.guideline_version_id,
        order_shown=assignment.order_shown,
        reading=reading,
        **judgement.columns(),
        flags_version=comparison.project.flags_version,
        ideal_answer=dialogues.submit_ideal_answer(
            assignment=assignment, text=ideal, begun_from=judgement.ideal_from or None
        )
        if ideal
        else None,
        seconds=max(0, seconds),
        label_weight=locked.label_weight,
        submitted_at=now,
    )


def empty_words(*, project: Project, trainer: User | None, about: Copies, text: str) -> int:
    """Withdrawal: the orders stay; everybody's words about what is withdrawn go, and those of a whole person."""
    theirs = Q(comparison__in=about.comparison_ids)
    if trainer is not None:
        theirs |= Q(comparison__project=project, trainer=trainer)
    found = Ranking.objects.filter(theirs)
    found.exclude(not_rankable="").exclude(not_rankable__in=NONE_REASONS).update(not_rankable=text)
    return found.update(note="", spans={}, source_row=None)


def empty_imported(*, about: Copies) -> None:
    """Withdrawal: imported judgements stay without notes and raw records, which quote the person."""
    Ranking.objects.filter(comparison__in=about.comparison_ids, kind=Ranking.Kind.IMPORTED).update(
        note="", spans={}, source_row=None
    )
    about.comparisons.update(source_row=None)
