"""Submitted work that its author takes back within minutes, or mends after a reviewer returned it.

Nothing that was submitted changes: a ranking or dialogue taken back is dated and goes on as a draft, and a mended one
is a new row that supersedes the old.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import record
from accounts.models import User
from common.compiled import compiled
from common.transitions import advance
from labeling import comparisons, dialogues, judgements, leases, undo
from labeling.criteria import Grades
from labeling.errors import Gone
from labeling.judgements import Reading, Said
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking, Turn
from labeling.quality import overlap, reviews, screening
from labeling.red_team import attempts
from labeling.spans import Spans


class Draft(TypedDict, total=False):
    """A ranking as the draft of its task, to be changed and sent again."""

    groups: list[list[str]]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    note: str
    strengths: list[int]
    not_rankable: str
    ideal_answer: str
    ideal_from: str
    criteria: Grades
    spans: Spans
    reading: Reading


# -- rankings ---------------------------------------------------------------------------------------


def to_take_back(*, project: Project, trainer: User) -> Assignment | None:
    """The task of their last ranking that `undo_ranking` would take back."""
    newest = next(iter(_unseen(project, trainer, undo.since(project.undo_minutes))), None)
    return newest.assignment if newest is not None else None


@compiled
def _unseen(project: Project, trainer: User, since: datetime) -> QuerySet[Ranking]:
    sent = Ranking.objects.in_force().filter(undo.unseen_rankings(), trainer=trainer, comparison__project=project)
    in_time = sent.filter(submitted_at__gt=since, assignment__state=Assignment.State.SUBMITTED)
    rows = in_time.select_related("assignment__comparison__project").only(
        "assignment__comparison__explanation",
        "assignment__comparison__kind",
        "assignment__comparison__project__undo_minutes",
    )
    return rows.order_by("-submitted_at")[:1]


def can_take_back(assignment: Assignment) -> bool:
    """Whether `undo_ranking` would take back what was submitted for this task."""
    since = undo.since(assignment.comparison.project.undo_minutes)
    sent = Ranking.objects.in_force().filter(undo.unseen_rankings(), assignment=assignment, submitted_at__gt=since)
    return assignment.state == Assignment.State.SUBMITTED and sent.exists()


@transaction.atomic
def undo_ranking(*, assignment: Assignment) -> Assignment:
    """Take a submission back within the project's minutes: the ranking is dated, never deleted, and the
    task is leased again with what was submitted as its draft.

    Raises:
        Gone: the time is over, or a reviewer has looked at it.
    """
    comparison, locked = leases.lock(assignment)
    ranking = locked.rankings.in_force().first()
    in_time = ranking is not None and undo.can_undo(ranking.submitted_at, comparison.project.undo_minutes)
    if locked.state != Assignment.State.SUBMITTED or ranking is None or not in_time:
        raise Gone("The time to take this submission back is over.")
    if not undo.can_take_back(ranking, comparison.project.undo_minutes):
        raise Gone("A reviewer has looked at this ranking, so it stays.")
    now = timezone.now()
    Ranking.objects.filter(pk=ranking.pk).update(undone_at=now)
    if ranking.ideal_answer is not None:
        advance(ranking.ideal_answer, to=Dialogue.State.DISCARDED, table=Dialogue.TRANSITIONS, undone_at=now)
    leases.move(
        locked,
        Assignment.State.LEASED,
        draft=as_draft(ranking),
        draft_version=locked.draft_version + 1,
        draft_saved_at=now,
        heartbeat_at=now,
        expires_at=leases.expiry(comparison.project, now),
        ended_at=None,
    )
    if comparison.state == Comparison.State.CLOSED and locked.slot is not None:
        advance(comparison, to=Comparison.State.OPEN, table=Comparison.TRANSITIONS, closed_at=None)
    return locked


def as_draft(ranking: Ranking) -> Draft:
    """What was submitted, as the draft to go on from: after an undo, and where a ranking is mended."""
    draft: Draft = {
        "groups": ranking.groups,
        "ratings": ranking.ratings,
        "flags": ranking.flags,
        "note": ranking.note,
        "strengths": ranking.strengths,
        "not_rankable": ranking.not_rankable,
        "criteria": ranking.criteria,
        "spans": ranking.spans,
        "reading": ranking.reading,
    }
    if ranking.ideal_answer is not None:
        last = ranking.ideal_answer.turns.order_by("-position").first()
        draft["ideal_answer"] = last.text if last else ""
        draft["ideal_from"] = str(last.completion_id) if last and last.completion_id else ""
    return draft


@transaction.atomic
def mend_ranking(*, ranking: Ranking, reading: Reading | None = None, **said: Unpack[Said]) -> Ranking:
    """The trainer's new version of a returned ranking: a new row that supersedes it.

    Raises:
        Invalid, NeedsConfirmation; Gone: it is not returned any more.
    """
    comparison = (
        Comparison.objects.select_for_update(of=("self",)).select_related("project").get(pk=ranking.comparison_id)
    )
    assert ranking.trainer is not None
    old = reviews.returned_rankings(ranking.trainer).filter(pk=ranking.pk).first()
    if old is None:
        raise Gone("This ranking does not wait for a new version any more.")
    said["ideal_answer"] = ""  # that of the first version stays
    judgement = judgements.check(comparison, old.order_shown, **said)
    made = Ranking.objects.create(
        assignment=old.assignment,
        comparison=comparison,
        trainer_id=old.trainer_id,
        kind=old.kind,
        guideline_version_id=old.guideline_version_id,
        order_shown=old.order_shown,
        reading=reading or {},
        **judgement.columns(),
        flags_version=comparison.project.flags_version,
        ideal_answer=old.ideal_answer,
        seconds=old.seconds,
        label_weight=old.label_weight,
        supersedes=old,
        submitted_at=timezone.now(),
    )
    screening.screen_ranking(made, overlap.votes_in_force(comparison))
    record(actor=ranking.trainer, action="ranking.mended", obj=made, project_id=comparison.project_id)
    return made


# -- dialogues --------------------------------------------------------------------------------------


@transaction.atomic
def undo_submission(*, dialogue: Dialogue) -> Dialogue:
    """Take a submission back within the project's minutes: a copy becomes the draft, and what was
    drawn from it is discarded.

    Raises:
        Gone: the time is over, a reviewer has looked at it, or somebody is working on what was drawn from it.
    """
    locked = Dialogue.objects.select_for_update(of=("self",)).select_related("project").get(pk=dialogue.pk)
    in_time = undo.can_undo(locked.submitted_at, locked.project.undo_minutes)
    if locked.state != Dialogue.State.SUBMITTED or not in_time:
        raise Gone("The time to take this submission back is over.")
    if locked.reviews.exists():
        raise Gone("A reviewer has looked at this dialogue, so it stays.")
    for comparison in locked.comparisons.select_for_update().order_by("pk"):
        if undo.is_held(comparison):
            raise Gone("Another trainer is already ranking an answer of this chat, so it stays.")
        comparisons.discard(comparison=comparison, reason="The chat was taken back by its author.")
    dialogues.move(locked, Dialogue.State.DISCARDED, undone_at=timezone.now())
    return _copy_as_draft(locked)


@transaction.atomic
def mend_dialogue(*, dialogue: Dialogue) -> Dialogue:
    """The draft in which the author mends a returned dialogue; the same one if it was begun before.

    Raises:
        Gone: it is not returned any more.
    """
    locked = Dialogue.objects.select_for_update(of=("self",)).select_related("project").get(pk=dialogue.pk)
    begun = Dialogue.objects.filter(supersedes=locked).first()
    if begun is not None and begun.state == Dialogue.State.DRAFT:
        return begun
    if locked.state != Dialogue.State.RETURNED or begun is not None:
        raise Gone("This dialogue does not wait for a new version any more.")
    return _copy_as_draft(locked)


def _copy_as_draft(source: Dialogue) -> Dialogue:
    """A draft with the same turns and their provenance, which supersedes `source` once it is submitted."""
    draft = Dialogue.objects.create(
        project=source.project,
        round=source.round,
        author=source.author,
        kind=source.kind,
        guideline_version=source.guideline_version,
        model_version=source.model_version,
        rule=source.rule,
        prompt=source.prompt,
        given_turns=source.given_turns,
        answer_to=source.answer_to,
        seconds=source.seconds,
        supersedes=source,
    )
    Turn.objects.bulk_create(
        Turn(
            dialogue=draft,
            position=turn.position,
            role=turn.role,
            text=turn.text,
            completion_id=turn.completion_id,
            suggestions_shown=turn.suggestions_shown,
            seconds=turn.seconds,
            pasted_chars=turn.pasted_chars,
            is_example=turn.is_example,
        )
        for turn in source.turns.order_by("position")
    )
    if source.rule_id:
        attempts.copy_to(draft, source)
    return draft
