"""Days and their beginnings: where a day begins depends on who asks, so nobody else computes it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.utils import timezone

SECONDS_OF_A_DAY = 86_400


def midnight() -> datetime:
    """When today began, in the time zone now in force: on a page the reader's (`common/middleware.py`); in the admin
    site, in the API and in tasks UTC."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def utc_today() -> date:
    """Today's date for what is counted for everybody alike: nightly exports and reports."""
    return timezone.now().astimezone(UTC).date()


def utc_day(moment: datetime) -> int:
    """The day of `moment` in UTC, as its number from 1970-01-01."""
    return int(moment.timestamp() // SECONDS_OF_A_DAY)
