"""How long a submission can be taken back: the one place that reads a project's `undo_minutes`. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone


def undo_until(submitted_at: datetime, minutes: int) -> datetime:
    return submitted_at + timedelta(minutes=minutes)


def since(minutes: int) -> datetime:
    """What was handed in up to then cannot be taken back any more."""
    return timezone.now() - timedelta(minutes=minutes)


def can_undo(submitted_at: datetime | None, minutes: int) -> bool:
    return submitted_at is not None and timezone.now() < undo_until(submitted_at, minutes)
