"""What reviewers do: accept, return with a comment, exclude, vote blind; and how returned work is mended.

Nothing that was submitted changes: a decision is a new row, and mended work a new version that supersedes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.audit import record
from common.transitions import advance
from labeling import judgements, leases
from labeling.dialogues import copy_turns
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Ranking,
    Review,
    ReviewItem,
)
from labeling.projects import role_of
from labeling.quality import overlap, screening
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User

Decision = Review.Decision
REVIEWERS = (Membership.Role.REVIEWER, Membership.Role.MANAGER)


def queue(projects: QuerySet[Project], reviewer: User) -> QuerySet[ReviewItem]:
    """What waits for this reviewer in these projects, oldest first."""
    return (
        ReviewItem.objects.waiting()
        .filter(project__in=projects)
        .not_by(reviewer)
        .select_related("project", "ranking__trainer", "ranking__comparison", "dialogue__author")
    )


@transaction.atomic
def decide(
    *,
    reviewer: User,
    decision: str,
    ranking: Ranking | None = None,
    dialogue: Dialogue | None = None,
    comment: str = "",
    grade: int | None = None,
) -> Review:
    """A reviewer's decision on one piece of work.

    Raises:
        Invalid: no reviewer of the project, own work, a return without a comment, a grade outside 1-7.
        Conflict: the work was changed, taken back or decided alike meanwhile.
    """
    if (ranking is None) == (dialogue is None):
        raise Invalid("A review is of one ranking or one dialogue.")
    if decision not in Decision.values:
        raise Invalid(f"{decision!r} is no decision.")
    comment = clean(comment).strip()
    if decision == Decision.RETURNED and not comment:
        raise Invalid("Say in a comment what should be mended.")
    if grade is not None and (dialogue is None or not 1 <= grade <= 7):
        raise Invalid("A grade is a whole number from 1 to 7, and is for dialogues.")
    if ranking is not None:
        author_id, project = _lock_ranking(ranking)
    else:
        assert dialogue is not None
        author_id, project = _move_dialogue(dialogue, decision)
    if not reviewer.is_superuser and role_of(project, reviewer) not in REVIEWERS:
        raise Invalid("You are no reviewer of this project.")
    if author_id == reviewer.pk:
        raise Invalid("Nobody reviews their own work.")
    work = {"ranking": ranking} if ranking is not None else {"dialogue": dialogue}
    made = Review.objects.create(**work, reviewer=reviewer, decision=decision, comment=comment, grade=grade)
    record(actor=reviewer, action=f"review.{decision}", obj=ranking or dialogue, project_id=project.pk)
    return made


def _lock_ranking(ranking: Ranking) -> tuple[int | None, Project]:
    locked = Ranking.objects.in_force().select_for_update(of=("self",)).filter(pk=ranking.pk).first()
    if locked is None:
        raise Conflict("This ranking was taken back or mended meanwhile.")
    return locked.trainer_id, ranking.comparison.project


def _move_dialogue(dialogue: Dialogue, decision: str) -> tuple[int | None, Project]:
    locked = Dialogue.objects.select_for_update(of=("self",)).get(pk=dialogue.pk)
    finished = (Dialogue.State.SUBMITTED, Dialogue.State.ACCEPTED)
    if locked.state not in finished or Dialogue.objects.filter(supersedes=locked).exists():
        raise Conflict("This dialogue was taken back or returned meanwhile.")
    to = {Decision.ACCEPTED: Dialogue.State.ACCEPTED, Decision.RETURNED: Dialogue.State.RETURNED}.get(
        Decision(decision)
    )
    if to is not None and locked.state != to:
        advance(dialogue, to=to, table=Dialogue.TRANSITIONS)
    return locked.author_id, dialogue.project


def ask_review(*, ranking: Ranking | None = None, dialogue: Dialogue | None = None) -> None:
    """Put a piece of work into the queue by hand."""
    project = ranking.comparison.project if ranking is not None else dialogue.project if dialogue else None
    if project is None:
        raise Invalid("A review is of one ranking or one dialogue.")
    ReviewItem.objects.get_or_create(
        ranking=ranking,
        dialogue=dialogue,
        defaults={"project": project, "reasons": [ReviewItem.Reason.ASKED]},
    )


# -- returned work --------------------------------------------------------------------------------


def returned_rankings(user: User) -> QuerySet[Ranking]:
    """Rankings whose last review returned them to this trainer, not mended yet."""
    latest = Review.objects.filter(ranking=OuterRef("pk")).order_by("-created_at", "-pk")
    return (
        Ranking.objects.in_force()
        .filter(trainer=user)
        .filter(Exists(Review.objects.filter(ranking=OuterRef("pk"), decision=Decision.RETURNED)))
        .alias(last=Subquery(latest.values("decision")[:1]))
        .filter(last=Decision.RETURNED)
        .select_related("comparison__project", "assignment")
    )


def returned_dialogues(user: User) -> QuerySet[Dialogue]:
    return Dialogue.objects.filter(
        author=user, state=Dialogue.State.RETURNED, superseded_by__isnull=True
    ).select_related("project")


@transaction.atomic
def mend_ranking(
    *,
    ranking: Ranking,
    groups: Sequence[Sequence[str]] = (),
    ratings: Mapping[str, int] | None = None,
    flags: Mapping[str, Sequence[str]] | None = None,
    strengths: Sequence[int] | None = None,
    note: str = "",
    not_rankable: str = "",
    confirmed: bool = False,
) -> Ranking:
    """The trainer's new version of a returned ranking.

    Raises:
        Invalid, NeedsConfirmation; Gone: it is not returned any more.
    """
    comparison = (
        Comparison.objects.select_for_update(of=("self",)).select_related("project").get(pk=ranking.comparison_id)
    )
    assert ranking.trainer is not None
    old = returned_rankings(ranking.trainer).filter(pk=ranking.pk).first()
    if old is None:
        raise Gone("This ranking does not wait for a new version any more.")
    judgement = judgements.check(
        comparison=comparison,
        order_shown=old.order_shown,
        groups=groups,
        ratings=ratings or {},
        flags=flags or {},
        strengths=strengths or [],
        note=note,
        not_rankable=not_rankable,
        ideal_answer="",
        confirmed=confirmed,
    )
    made = Ranking.objects.create(
        assignment=old.assignment,
        comparison=comparison,
        trainer_id=old.trainer_id,
        kind=old.kind,
        guideline_version_id=old.guideline_version_id,
        order_shown=old.order_shown,
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
    draft = Dialogue.objects.create(
        project=locked.project,
        round=locked.round,
        author=locked.author,
        kind=locked.kind,
        guideline_version=locked.guideline_version,
        model_version=locked.model_version,
        prompt=locked.prompt,
        seconds=locked.seconds,
        supersedes=locked,
    )
    copy_turns(source=locked, target=draft)
    return draft


# -- blind votes ----------------------------------------------------------------------------------


@transaction.atomic
def blind_vote(*, comparison: Comparison, reviewer: User) -> Assignment:
    """A reviewer's own vote outside the count, on the trainers' page; the same lease if it was begun.

    Raises:
        Invalid: they voted on it or wrote its prompt. Gone: it was withdrawn.
    """
    locked = Comparison.objects.select_for_update(of=("self",)).select_related("project").get(pk=comparison.pk)
    if not reviewer.is_superuser and role_of(locked.project, reviewer) not in REVIEWERS:
        raise Invalid("You are no reviewer of this project.")
    if locked.state not in (Comparison.State.OPEN, Comparison.State.CLOSED):
        raise Gone("This comparison cannot be ranked.")
    mine = Assignment.objects.filter(comparison=locked, trainer=reviewer).first()
    if mine is not None:
        if mine.kind == Assignment.Kind.RESEARCH and mine.state == Assignment.State.LEASED:
            return mine
        if mine.state == Assignment.State.EXPIRED and mine.kind == Assignment.Kind.RESEARCH:
            return leases.heartbeat(assignment=mine)
        raise Invalid("You have ranked or skipped this comparison before.")
    return leases.lease(comparison=locked, trainer=reviewer, kind=Assignment.Kind.RESEARCH)
