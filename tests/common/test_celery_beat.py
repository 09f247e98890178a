"""Beat goes on where its file cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.celery_beat import Scheduler
from config.celery import app


def test_beat_keeps_its_times_in_a_file(tmp_path: Path) -> None:
    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    assert "exports: every active project, once a night" in scheduler.schedule
    scheduler.close()
    assert list(tmp_path.iterdir())


def test_beat_goes_on_without_its_file_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "no" / "folder" / "schedule"))
    assert "exports: every active project, once a night" in scheduler.schedule
    for _ in range(3):
        scheduler.sync()
    scheduler.close()
    assert [record.getMessage().partition(" in ")[0] for record in caplog.records if "common" in record.name] == [
        "beat cannot keep its times"
    ]


def test_a_file_that_can_no_longer_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class FullDisk:
        def sync(self) -> None:
            raise OSError(28, "No space left on device")

        close = sync

    scheduler = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    scheduler._store = FullDisk()
    scheduler.sync()
    scheduler.sync()
    assert sum("No space left" in record.getMessage() for record in caplog.records) == 1
