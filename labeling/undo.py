"""What can be taken back, and how long: the one place that says it, for the writes and for the pages that offer it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from labeling.models import Assignment, Comparison, Ranking, Review
from labeling.votes import HELD


def undo_until(submitted_at: datetime, minutes: int) -> datetime:
    return submitted_at + timedelta(minutes=minutes)


def since(minutes: int) -> datetime:
    """What was handed in up to then cannot be taken back any more."""
    return timezone.now() - timedelta(minutes=minutes)


def can_undo(submitted_at: datetime | None, minutes: int) -> bool:
    return submitted_at is not None and timezone.now() < undo_until(submitted_at, minutes)


def unseen_rankings() -> Q:
    """Of rankings: those that no reviewer has decided on, so that their trainer may still take them back."""
    return Q(supersedes__isnull=True) & ~Q(Exists(Review.objects.filter(ranking=OuterRef("pk")).order_by()))


def unseen_dialogues() -> Q:
    """Of submitted dialogues: those that no reviewer has decided on, and of which nobody ranks an answer."""
    held = Assignment.objects.filter(comparison__dialogue=OuterRef("pk"), state__in=HELD).order_by()
    reviewed = Review.objects.filter(dialogue=OuterRef("pk")).order_by()
    return ~Q(Exists(reviewed)) & ~Q(Exists(held))


def can_take_back(ranking: Ranking, minutes: int) -> bool:
    """A ranking in force."""
    in_time = can_undo(ranking.submitted_at, minutes)
    return in_time and Ranking.objects.filter(unseen_rankings(), pk=ranking.pk).exists()


def is_held(comparison: Comparison) -> bool:
    """Whether somebody ranks it, or has."""
    return comparison.assignments.filter(state__in=HELD).exists()
