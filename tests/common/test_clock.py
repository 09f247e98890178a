"""Where a day begins."""

from __future__ import annotations

from datetime import UTC, date, datetime
from unittest import mock
from zoneinfo import ZoneInfo

from django.utils import timezone

from common import clock

LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # in Tokyo it is half past eight of the next morning


def test_midnight_is_that_of_the_time_zone_in_force() -> None:
    with mock.patch.object(timezone, "now", return_value=LATE):
        assert clock.midnight() == datetime(2026, 3, 1, tzinfo=UTC)
        with timezone.override(ZoneInfo("Asia/Tokyo")):
            assert clock.midnight() == datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_the_day_that_everybody_shares_is_that_of_utc_whatever_zone_is_in_force() -> None:
    with mock.patch.object(timezone, "now", return_value=LATE), timezone.override(ZoneInfo("Asia/Tokyo")):
        assert clock.utc_today() == date(2026, 3, 1)


def test_days_are_numbered_from_1970() -> None:
    assert clock.utc_day(datetime(1970, 1, 2, tzinfo=UTC)) == 1
    assert clock.utc_day(datetime(1970, 1, 2, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo"))) == 0
