"""Room on the disk: when it is low, when it is full, and what is kept in reserve."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from common import disk, outages
from launcher.disk_watch import DiskWatch
from operations import health
from operations.tasks import watch_disk

MB, GB = 1 << 20, 1 << 30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how much of a disk of 100 GB is free."""

    def sets(free: int) -> None:
        monkeypatch.setattr("common.disk.shutil.disk_usage", lambda folder: Usage(100 * GB, 100 * GB - free, free))

    monkeypatch.setattr(outages.Met, "disk_full_at", -outages.REMEMBERED)
    return sets


def test_a_disk_is_low_before_it_is_full(free: Callable[[int], None], tmp_path: Path) -> None:
    free(3 * GB)
    assert not disk.room(tmp_path).is_low
    assert disk.room(tmp_path, low=5 * GB).is_low
    free(GB)
    found = disk.room(tmp_path)
    assert (found.is_low, found.is_full, str(found)) == (True, False, "1.0 GB of 100.0 GB are free")
    free(10 * MB)
    assert disk.is_full(tmp_path)


def test_the_operator_is_told_on_the_console_when_it_changes(free: Callable[[int], None], tmp_path: Path) -> None:
    said: list[str] = []
    watch = DiskWatch(tmp_path, said.append)
    for room in (50 * GB, GB, GB, MB, 50 * GB):
        free(room)
        watch.looked_at = -10.0
        watch.look()
    assert [line.split(":")[0] for line in said] == [
        "the disk runs low", "the disk is full", "the disk has room again",
    ]  # fmt: skip


def test_readyz_the_log_and_the_start_say_it(
    free: Callable[[int], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free(GB)
    assert health.disk() == health.Check(True, "runs low: 1.0 GB of 100.0 GB are free")
    watch_disk()
    free(0)
    assert not health.disk().ok
    assert DiskWatch(tmp_path, print).hindrance() == f"the disk of {str(tmp_path)!r} is full"
    watch_disk()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_reserve_takes_up_room_until_it_is_given_up(tmp_path: Path) -> None:
    reserve = disk.Reserve(tmp_path / "reserve")
    assert not reserve.give_up()
    reserve.keep()
    if not reserve.path.exists():
        pytest.skip("too little room here")
    assert reserve.path.stat().st_blocks * 512 >= 16 * MB
    assert stat.S_IMODE(reserve.path.stat().st_mode) == 0o600
    assert reserve.give_up()
    assert not reserve.path.exists()


def test_no_reserve_is_made_where_it_would_fill_the_disk(free: Callable[[int], None], tmp_path: Path) -> None:
    free(100 * MB)
    disk.Reserve(tmp_path / "reserve").keep()
    assert not (tmp_path / "reserve").exists()
