"""Rules of the review queue for tests: only those named, one ranking under them, and why work is in the queue."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from labeling.models import Dialogue, Project, Ranking, ReviewItem
from tests import makers

OFF = {
    "random_share": 0, "low_agreement": False, "fast_seconds": 0, "contradictions": False, "verbatim_share": 0,
    "new_trainer": 0,
}  # fmt: skip


def only(project: Project, **rules: object) -> None:
    project.review_rules = {**OFF, **rules}
    project.save()


def rank(project: Project, user: User, *, seconds: int | None = None, note: str = "") -> Ranking:
    return makers.make_ranking(makers.make_comparison(project), user, seconds=seconds, note=note)


def reasons_of(work: Ranking | Dialogue) -> list[str]:
    item = ReviewItem.objects.filter(Q(ranking=work.pk) | Q(dialogue=work.pk)).first()
    return item.reasons if item else []
