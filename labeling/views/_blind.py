"""Where a reviewer's blind vote was begun, so that it leads back there: kept in the session, the newest few."""

from __future__ import annotations

from django.urls import reverse

from labeling.models import Assignment, Ranking
from labeling.views._shared import PageRequest

KEY, KEPT = "blind_votes", 20


def remember(request: PageRequest, assignment: Assignment, address: str) -> None:
    kept: dict[str, str] = dict(request.session.get(KEY, {}))
    kept.pop(str(assignment.pk), None)
    kept[str(assignment.pk)] = address
    request.session[KEY] = dict(list(kept.items())[-KEPT:])


def back_from(request: PageRequest, assignment: Assignment) -> str:
    """The review that a task was begun from; of a blind vote begun in another browser a review of the same
    comparison. Empty: an ordinary task."""
    if address := request.session.get(KEY, {}).get(str(assignment.pk), ""):
        return str(address)
    if assignment.kind != Assignment.Kind.RESEARCH:
        return ""
    votes = Ranking.objects.in_force().filter(comparison=assignment.comparison_id, kind=Ranking.Kind.VOTE)
    first = votes.exclude(trainer=request.user).order_by("submitted_at", "pk").first()
    return reverse("review-ranking", args=[first.pk]) if first else ""
