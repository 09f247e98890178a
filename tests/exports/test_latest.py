"""Where a night's export is found: `PROJECT/2026-11-22-1a2b3c4d`, and `PROJECT/latest`, which names the newest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from django.core.files import File
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from exports import runs, storage, tasks
from exports.models import ExportRun
from labeling.models import Project
from tests import makers
from tests.exports.makers import given
from tests.exports.test_storage import Buckets

NIGHT = date(2026, 11, 22)


class Overwriting(Buckets):
    """As S3 with `file_overwrite`: a name is taken as it is, and the file of before is replaced at once."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class Place(Protocol):
    """A storage, seen from outside."""

    def latest(self) -> str | None: ...
    def holds(self, name: str) -> bool: ...
    def fail(self, monkeypatch: pytest.MonkeyPatch) -> None: ...


class Disk:
    def __init__(self, root: Path) -> None:
        self.root = root

    def latest(self) -> str | None:
        link = self.root / "demo/latest"
        if not link.is_symlink():
            return None
        assert (link / "manifest.json").exists()  # whoever follows it finds a whole export
        return os.readlink(link)

    def holds(self, name: str) -> bool:
        return (self.root / name / "manifest.json").exists()

    def fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "symlink_to", _refuse)


class Bucket:
    def __init__(self, held: Buckets) -> None:
        self.held = held

    def latest(self) -> str | None:
        said = self.held.held.get("demo/latest")
        assert [name for name in self.held.held if name.startswith("demo/latest")] == (["demo/latest"] if said else [])
        if said is None:
            return None
        name = said.decode().removesuffix("\n")
        assert self.holds(f"demo/{name}")
        return name

    def holds(self, name: str) -> bool:
        return f"{name}/manifest.json" in self.held.held

    def fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = self.held._save

        def save(name: str, content: File[bytes]) -> str:
            return _refuse() if name.endswith("latest") else plain(name, content)

        monkeypatch.setattr(self.held, "_save", save)


def _refuse(*_: object) -> str:
    raise OSError("The disk is full.")


@pytest.fixture(params=["disk", "bucket", "overwriting bucket"])
def place(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Place:
    settings.EXPORT_ROOT = tmp_path / "exports"
    backends: dict[str, dict[str, object]] = {
        "disk": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": settings.EXPORT_ROOT},
        },
        "bucket": {"BACKEND": "tests.exports.test_storage.Buckets"},
        "overwriting bucket": {"BACKEND": f"{__name__}.Overwriting"},
    }
    settings.STORAGES = {**settings.STORAGES, "exports": backends[request.param]}
    made = storages["exports"]
    return Bucket(made) if isinstance(made, Buckets) else Disk(settings.EXPORT_ROOT)


@pytest.fixture
def night(project: Project, alice: User, place: Place) -> Callable[[int], ExportRun]:
    """Writes the export of a night."""
    makers.make_ranking(makers.make_comparison(project), alice)

    def write(day: int) -> ExportRun:
        (run,) = runs.start_night(night=NIGHT + timedelta(days=day), ring=False)
        tasks.run_export(str(run.pk))
        run.refresh_from_db()
        return run

    return write


def named(run: ExportRun) -> str:
    return run.path.removeprefix("demo/")


def test_a_folder_is_found_by_its_date_and_latest_names_the_newest(
    place: Place, night: Callable[[int], ExportRun]
) -> None:
    first = night(0)
    assert first.path == f"demo/{first.cutoff:%Y-%m-%d}-{str(first.pk)[:8]}"
    assert place.latest() == named(first)
    second = night(1)
    assert place.latest() == named(second)
    assert place.holds(first.path)


def test_latest_does_not_go_back_to_an_older_night_that_is_written_late(
    place: Place, night: Callable[[int], ExportRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.formats.rankings.FORMAT.rows", lambda record, context: 1 / 0)
    late = night(0)
    monkeypatch.undo()
    newer = night(1)
    assert tasks.run_export(str(late.pk)) == "finished"
    assert place.latest() == named(newer)


def test_what_was_asked_for_lies_beside_the_nights_and_is_not_the_latest(
    place: Place, night: Callable[[int], ExportRun], project: Project
) -> None:
    first = night(0)
    asked = runs.request(project=project, trigger="api", options={"configs": ["preferences"]}, ring=False)
    tasks.run_export(str(asked.pk))
    asked.refresh_from_db()
    assert place.holds(asked.path)
    assert asked.path.startswith("demo/20")
    assert place.latest() == named(first)


def test_a_night_that_failed_is_not_the_latest(
    place: Place, night: Callable[[int], ExportRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = night(0)
    monkeypatch.setattr("exports.formats.rankings.FORMAT.rows", lambda record, context: 1 / 0)
    assert night(1).state != "finished"
    assert place.latest() == named(first)


def test_latest_goes_back_where_the_newest_is_removed_and_away_with_the_last(
    place: Place, night: Callable[[int], ExportRun], project: Project
) -> None:
    first, second = night(0), night(1)
    assert runs.remove(run=second)
    assert place.latest() == named(first)
    assert runs.remove(run=first)
    assert place.latest() is None
    if isinstance(place, Disk):
        assert list(place.root.iterdir()) == []  # no empty folder of a project stays
    third = night(2)
    assert place.latest() == named(third)
    project.exports_kept = 0
    project.save(update_fields=["exports_kept"])
    runs.retire_old(project=project)
    assert place.latest() is None


def test_a_withdrawal_that_removes_exports_takes_latest_and_those_of_earlier_releases(
    place: Place, night: Callable[[int], ExportRun], project: Project
) -> None:
    old, new = night(0), night(1)
    former = f"demo-{old.pk}"
    if isinstance(place, Disk):
        (place.root / old.path).rename(place.root / former)
    elif isinstance(place, Bucket):
        place.held.held = {name.replace(old.path, former): data for name, data in place.held.held.items()}
    ExportRun.objects.filter(pk=old.pk).update(path=former)  # as an earlier release left it
    with storage.open_file(former, "manifest.json") as manifest:
        assert json.loads(manifest.read())["export_id"] == str(old.pk)
    assert place.latest() == named(new)
    call_command("withdraw", "demo", "alice", "--yes", "--remove-exports", verbosity=0)
    assert (place.holds(former), place.holds(new.path), place.latest()) == (False, False, None)


def test_a_kill_between_the_folder_and_its_name_is_made_good(
    place: Place, night: Callable[[int], ExportRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = night(0)
    place.fail(monkeypatch)
    second = night(1)
    assert second.state == "finished"
    monkeypatch.undo()
    if isinstance(place, Disk):
        (place.root / "demo/.latest-killed").symlink_to("nowhere")
    assert place.latest() in (None, named(first))
    runs.resume()
    assert place.latest() == named(second)
    if isinstance(place, Disk):
        assert not list(place.root.glob("demo/.*"))


def test_a_project_that_was_renamed_begins_a_folder_of_its_own(
    place: Place, night: Callable[[int], ExportRun], project: Project
) -> None:
    first = night(0)
    Project.objects.filter(pk=project.pk).update(slug="renamed")
    second = night(1)
    assert second.path.startswith("renamed/20")
    assert place.latest() == named(first)
    runs.remove(run=first)
    assert place.latest() is None


def test_two_runs_whose_ids_begin_alike_do_not_share_a_folder(
    place: Place, night: Callable[[int], ExportRun], project: Project
) -> None:
    first = night(0)
    twin = str(first.pk)[:8] + "-0000-4000-8000-000000000000"
    asked = ExportRun.objects.create(pk=twin, project=project, trigger="api", cutoff=first.cutoff, options={})
    assert tasks.run_export(str(asked.pk)) == "finished"
    asked.refresh_from_db()
    assert asked.path == f"demo/{first.cutoff:%Y-%m-%d}-{twin}"
    assert place.holds(first.path)
    assert place.holds(asked.path)


def test_latest_is_looked_after_only_while_it_is_new(
    place: Place, night: Callable[[int], ExportRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = night(0)
    given(first.finished_at)
    ExportRun.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    monkeypatch.setattr(storage, "point", lambda *_: pytest.fail("a storage is asked every half minute for nothing"))
    runs.resume()
