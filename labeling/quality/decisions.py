"""Decisions of reviewers beside the one on one page: many accepted at once, and the last one taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit import record
from common.compiled import compiled
from common.transitions import advance
from labeling import telling, undo
from labeling.errors import Conflict, Gone, LabelingError
from labeling.models import Comparison, Dialogue, Project, Ranking, Review, ReviewItem
from labeling.quality import reviews

if TYPE_CHECKING:
    from accounts.models import User

Decision = Review.Decision
TAKEN_BACK = "This decision was taken back already."
MOVES = {Decision.ACCEPTED: Dialogue.State.ACCEPTED, Decision.RETURNED: Dialogue.State.RETURNED}


@transaction.atomic
def accept_many(*, reviewer: User, items: Sequence[ReviewItem]) -> tuple[int, list[str]]:
    """Accept what nobody looked at one by one: the decisions share a `bulk`, and say nothing of how far reviewers and
    trainers agree. Returns how many, and why others were refused."""
    bulk, done, refused = uuid4(), 0, []
    for item in items:
        try:
            with transaction.atomic():
                reviews.decide(
                    reviewer=reviewer,
                    decision=Decision.ACCEPTED,
                    ranking=item.ranking,
                    dialogue=item.dialogue,
                    bulk=bulk,
                )
            done += 1
        except LabelingError as refusal:
            refused.append(str(refusal))
    return done, refused


def last(*, project: Project, reviewer: User) -> Review | None:
    """The reviewer's last decision in the project, as long as it can be taken back."""
    recent = undo.since(project.undo_minutes)  # who has decided for years has an index to it
    found = next(iter(_since(project, reviewer, recent)), None)
    return found if found and undo.can_undo(found.created_at, project.undo_minutes) else None


@compiled
def _since(project: Project, reviewer: User, recent: datetime) -> QuerySet[Review]:
    """The newest one, with what a page says of its work."""
    here = Q(ranking__comparison__project=project) | Q(dialogue__project=project)
    rows = Review.objects.in_force().filter(here, reviewer=reviewer, created_at__gt=recent)
    names = ("username", "first_name", "last_name")
    shown = rows.select_related("ranking__trainer", "ranking__comparison", "dialogue__author").only(
        *("decision", "bulk", "created_at", "ranking__comparison__prompt", "dialogue__kind", "dialogue__rule"),
        *(f"{person}__{name}" for person in ("ranking__trainer", "dialogue__author") for name in names),
    )
    return shown.order_by("-created_at", "-pk")[:1]


@transaction.atomic
def undo_last(*, project: Project, reviewer: User) -> Review:
    """Take the reviewer's last decision in the project back: it is dated, and the work waits for review again. What
    was decided with it (many accepted at once, the votes that a gold order stood for) goes with it.

    Raises:
        Gone: there is none, or the time is over. Conflict: its author has begun a new version.
    """
    found = _locked_last(project, reviewer)
    now = timezone.now()
    mine = Review.objects.in_force().filter(reviewer=reviewer).filter(_decided_with(found))
    together = list(mine.select_related("ranking", "dialogue").order_by("created_at", "pk"))
    for review in together:
        _reopen(review)
        telling.decision_taken_back(review)
    if found.decision == Decision.EDITED and found.ranking is not None:
        _reopen_gold(found.ranking.comparison_id, reviewer, now)
    Review.objects.filter(pk__in=[review.pk for review in together]).update(undone_at=now)
    record(actor=reviewer, action="review.undone", obj=found.ranking or found.dialogue, project_id=project.pk)
    return found


def _locked_last(project: Project, reviewer: User) -> Review:
    """`last` under the lock of what it is on, where the same reviewer may decide again meanwhile. Many at once are
    locked one by one, in the order in which they were decided."""
    found = last(project=project, reviewer=reviewer)
    if found is None:
        raise Gone("There is no decision to take back, or the time for it is over.")
    if found.bulk is not None:
        return found
    if found.ranking is not None:
        comparison = Comparison.objects.select_for_update(of=("self",)).get(pk=found.ranking.comparison_id)
        here = Q(ranking__comparison=comparison)
    else:
        assert found.dialogue_id is not None
        here = Q(dialogue=Dialogue.objects.select_for_update(of=("self",)).get(pk=found.dialogue_id))
    newest = Review.objects.in_force().filter(here, reviewer=reviewer).order_by("-created_at", "-pk").first()
    if newest is None:
        raise Gone(TAKEN_BACK)
    return newest


def _decided_with(found: Review) -> Q:
    if found.bulk is not None:
        return Q(bulk=found.bulk)
    if found.decision == Decision.EDITED and found.ranking is not None:
        golds = Ranking.objects.filter(comparison=found.ranking.comparison_id, kind=Ranking.Kind.GOLD)
        newest = golds.filter(trainer=found.reviewer_id).order_by("-submitted_at").first()
        since = Q(created_at__gte=newest.submitted_at) if newest else Q()
        return since & Q(decision=Decision.EDITED, ranking__comparison=found.ranking.comparison_id)
    return Q(pk=found.pk)


def _reopen(review: Review) -> None:
    """Under the lock of what was decided on, that its author and other reviewers take too."""
    if review.ranking is not None:
        Comparison.objects.select_for_update(of=("self",)).get(pk=review.ranking.comparison_id)
        _still_stands(review)
        if Ranking.objects.filter(supersedes=review.ranking).exists():
            raise Conflict("The trainer has sent a new version meanwhile, so the decision stays.")
        return
    assert review.dialogue is not None
    dialogue = Dialogue.objects.select_for_update(of=("self",)).get(pk=review.dialogue.pk)
    _still_stands(review)
    if Dialogue.objects.filter(supersedes=dialogue).exists():
        raise Conflict("Its author has begun a new version meanwhile, so the decision stays.")
    if dialogue.state not in Dialogue.REOPENED:
        return
    advance(dialogue, to=Dialogue.State.SUBMITTED, table=Dialogue.REOPENED)
    others = Review.objects.in_force().filter(dialogue=dialogue, decision__in=MOVES).exclude(pk=review.pk)
    if standing := others.order_by("-created_at", "-pk").first():
        advance(dialogue, to=MOVES[Decision(standing.decision)], table=Dialogue.TRANSITIONS)


def _still_stands(review: Review) -> None:
    if not Review.objects.in_force().filter(pk=review.pk).exists():
        raise Gone(TAKEN_BACK)


def _reopen_gold(comparison_id: UUID, reviewer: User, now: datetime) -> None:
    """The reviewer's gold order is dated; the one that it had replaced stands again."""
    golds = Ranking.objects.filter(comparison=comparison_id, kind=Ranking.Kind.GOLD)
    for gold in golds.in_force().filter(trainer=reviewer):
        golds.filter(undone_at=gold.submitted_at).update(undone_at=None)
        golds.filter(pk=gold.pk).update(undone_at=now)
