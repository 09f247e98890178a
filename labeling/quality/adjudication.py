"""A reviewer's own order in the place of votes: the gold order of a comparison.

It is a ranking of its own kind, outside the count of votes and out of what is said of agreement. Exports hold it and
leave the votes out that it stands for; they stay on record, as they were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from labeling import agreements, comparisons, judgements
from labeling.errors import Gone, Invalid
from labeling.judgements import Reading, Said
from labeling.models import Comparison, Ranking, Review
from labeling.projects import current_guidelines
from labeling.quality import blind, reviews

if TYPE_CHECKING:
    from accounts.models import User

VOTES = (Ranking.Kind.VOTE, Ranking.Kind.SURPLUS)


def votes_on(comparison: Comparison) -> list[Ranking]:
    """The trainers' orders in force, in the order in which they were given."""
    rows = Ranking.objects.in_force().filter(comparison=comparison, kind__in=VOTES)
    return list(rows.select_related("trainer").order_by("submitted_at", "pk"))


def gold_of(comparison: Comparison) -> Ranking | None:
    return Ranking.objects.in_force().filter(comparison=comparison, kind=Ranking.Kind.GOLD).first()


@transaction.atomic
def adjudicate(
    *,
    comparison: Comparison,
    reviewer: User,
    order_shown: Sequence[str],
    seconds: int | None = None,
    reading: Reading | None = None,
    **said: Unpack[Said],
) -> Ranking:
    """Store the reviewer's order as the gold one; an earlier one is dated. Every vote that it stands for is decided.

    Raises:
        NotAgreed: they withdrew, and have not said that what they do counts again.
        Invalid: not a reviewer, a judge of it themselves, no votes, or what `judgements.check` refuses.
        NeedsConfirmation; Gone: it was withdrawn.
    """
    locked = comparisons.locked(comparison.pk)
    reviews.require_reviewer(locked.project, reviewer)
    if locked.state not in Comparison.READY:
        raise Gone("This comparison was withdrawn.")
    votes = votes_on(locked)
    if not votes:
        raise Invalid("Nobody has ranked this comparison yet.")
    agreements.require_back(locked.project, reviewer)
    if any(vote.trainer_id == reviewer.pk for vote in votes):
        raise Invalid("Nobody reviews their own work.")
    if blind.is_open(locked, reviewer):
        raise Invalid("You may still rank this comparison yourself. Rank it, or leave the ranking to others, first.")
    said["ideal_answer"] = ""
    judgement = judgements.check(locked, order_shown, **said)
    now = timezone.now()
    Ranking.objects.in_force().filter(comparison=locked, kind=Ranking.Kind.GOLD).update(undone_at=now)
    made = Ranking.objects.create(
        comparison=locked,
        trainer=reviewer,
        kind=Ranking.Kind.GOLD,
        guideline_version=current_guidelines(locked.project),
        order_shown=list(order_shown),
        reading=reading or {},
        **judgement.columns(),
        flags_version=locked.project.flags_version,
        seconds=seconds,
        submitted_at=now,
    )
    for vote in votes:
        Review.objects.create(ranking=vote, reviewer=reviewer, decision=Review.Decision.EDITED)
    record(actor=reviewer, action="ranking.gold", obj=made, project_id=locked.project_id)
    return made
