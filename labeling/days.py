"""Where a day begins, for every count of "today"."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def midnight() -> datetime:
    """The start of today in the zone of the request: the trainer's on their pages, UTC in API and admin site."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
