"""Runs: once a night, taken up again after a kill, never twice."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from exports import runs, tasks
from exports.lease import Lease
from exports.models import ExportRun
from exports.options import BadOptions
from labeling.models import Project, Ranking
from tests import makers
from tests.exports.makers import given

NIGHT = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def export_root(settings: Settings, tmp_path: Path) -> Path:
    settings.EXPORT_ROOT = tmp_path / "exports"
    settings.STORAGES = {
        **settings.STORAGES,
        "exports": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": settings.EXPORT_ROOT},
        },
    }
    return tmp_path / "exports"


@pytest.fixture
def ranked(project: Project, alice: User) -> Ranking:
    return makers.make_ranking(makers.make_comparison(project), alice)


def folders(root: Path) -> list[str]:
    """Every export that is there, by its name."""
    return sorted(str(path.parent.relative_to(root)) for path in root.glob("*/2*/manifest.json"))


def place(run: ExportRun) -> str:
    return f"{run.project.slug}/{run.cutoff:%Y-%m-%d}-{str(run.pk)[:8]}"


def test_a_night_makes_one_run_a_project_however_often_it_is_rung(
    project: Project, ranked: Ranking, export_root: Path
) -> None:
    makers.make_project("other")
    makers.make_project("probe", throwaway=True)
    archived = makers.make_project("archived")
    archived.archived_at = timezone.now()
    archived.save(update_fields=["archived_at"])
    first = runs.start_night(night=NIGHT)
    assert {run.project.slug for run in first} == {"demo", "other"}
    assert [run.pk for run in runs.start_night(night=NIGHT)] == [run.pk for run in first]
    assert [tasks.run_export(str(run.pk)) for run in first] == ["finished", "finished"]
    assert [tasks.run_export(str(run.pk)) for run in first] == ["nothing to do", "nothing to do"]
    assert len(folders(export_root)) == 2
    assert len(runs.start_night(night=NIGHT + timedelta(days=1))) == 2
    assert ExportRun.objects.count() == 4


def test_exports_are_written_one_at_a_time_and_whoever_ends_rings_for_the_others(
    project: Project,
    ranked: Ranking,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    makers.make_project("other")
    first, second = runs.start_night(night=NIGHT)
    monkeypatch.setattr(tasks, "try_advisory_lock", lambda name: nullcontext(enter_result=False))
    assert tasks.run_export(str(first.pk)) == "waits for another export"
    monkeypatch.undo()
    rung: list[str] = []
    monkeypatch.setattr(tasks.run_export, "delay", rung.append)
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.run_export(str(first.pk)) == "finished"
    assert rung == [str(second.pk)]


def test_a_run_whose_worker_was_killed_is_taken_up_and_finished_once(
    project: Project, ranked: Ranking, export_root: Path
) -> None:
    (run,) = runs.start_night(night=NIGHT)
    dead = given(runs.claim(run_id=str(run.pk), worker="killed"))
    assert runs.claim(run_id=str(run.pk)) is None  # its lease still holds
    ExportRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert runs.resume() == 1
    assert tasks.run_export(str(run.pk)) == "finished"
    with pytest.raises(runs.LostLease):  # the killed one was only slow: what it wrote is fenced off
        runs.execute(run=dead)
    run.refresh_from_db()
    assert run.state == "finished"
    assert run.attempts == 2
    assert folders(export_root) == [run.path] == [place(run)]
    assert run.manifest == json.loads((export_root / run.path / "manifest.json").read_text())


def test_a_folder_finished_just_before_the_kill_is_kept(
    project: Project, ranked: Ranking, export_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.start_night(night=NIGHT)
    claimed = given(runs.claim(run_id=str(run.pk)))
    monkeypatch.setattr(runs, "_finish", lambda *args, **columns: (_ for _ in ()).throw(runs.LostLease("killed")))
    with pytest.raises(runs.LostLease):
        runs.execute(run=claimed)
    monkeypatch.undo()
    before = (export_root / place(run) / "manifest.json").read_bytes()
    ExportRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert tasks.run_export(str(run.pk)) == "finished"
    assert (export_root / place(run) / "manifest.json").read_bytes() == before


def test_a_run_that_fails_is_tried_three_times_and_then_says_why(
    project: Project, ranked: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.start_night(night=NIGHT)
    monkeypatch.setattr("exports.formats.rankings.FORMAT.rows", lambda record, context: 1 / 0)
    assert [tasks.run_export(str(run.pk)) for _ in range(4)] == ["failed", "failed", "failed", "nothing to do"]
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.error.startswith("ZeroDivisionError")
    monkeypatch.undo()
    runs.start_night(night=NIGHT)  # the night is asked for again
    assert tasks.run_export(str(run.pk)) == "finished"


def test_a_worker_that_lost_its_lease_stops_writing(project: Project, ranked: Ranking) -> None:
    run = runs.request(project=project, trigger="api")
    claimed = given(runs.claim(run_id=str(run.pk)))
    lease = Lease(claimed)
    lease.report(10, None)
    lease._lost = True
    with pytest.raises(runs.LostLease):
        lease.report(20, None)
    run.refresh_from_db()
    assert run.rows_written == 10


def test_a_command_whose_process_died_is_ended_not_resumed(project: Project, ranked: Ranking) -> None:
    run = runs.request(project=project, trigger="command", ring=False)
    runs.claim(run_id=str(run.pk))
    ExportRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert runs.resume() == 0
    run.refresh_from_db()
    assert run.state == "failed"
    assert "ended before" in run.error


def test_only_the_last_nights_are_kept_and_what_a_model_was_trained_on(
    project: Project, ranked: Ranking, export_root: Path
) -> None:
    project.exports_kept = 2
    project.save(update_fields=["exports_kept"])
    made = []
    for day in range(5):
        (run,) = runs.start_night(night=NIGHT + timedelta(days=day))
        if day == 0:
            makers.make_model("trained", export_id=run.pk)
        tasks.run_export(str(run.pk))
        made.append(run)
    states = {given(run.night).day: run.state for run in ExportRun.objects.all()}
    assert states == {22: "finished", 23: "removed", 24: "removed", 25: "finished", 26: "finished"}
    assert folders(export_root) == sorted(place(made[i]) for i in (0, 3, 4))


def test_the_nightly_command_tells_each_project(
    project: Project, ranked: Ranking, capsys: pytest.CaptureFixture[str], export_root: Path
) -> None:
    call_command("nightly_export")
    assert "demo: 9 rows in demo/20" in capsys.readouterr().out  # 6 pairs, 1 ranking, 1 prompt, 1 in raw
    call_command("nightly_export")
    assert "demo: finished already" in capsys.readouterr().out
    assert len(folders(export_root)) == 1


def test_a_cutoff_ahead_is_refused(project: Project) -> None:
    with pytest.raises(BadOptions, match="lies ahead"):
        runs.request(project=project, trigger="api", cutoff=timezone.now() + timedelta(hours=1))


def test_progress_is_measured_against_what_is_expected(
    project: Project, ranked: Ranking, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers.make_demonstration(project, alice)
    run = runs.request(project=project, trigger="api", options={"renderings": ["soft", "chat"]})
    claimed = given(runs.claim(run_id=str(run.pk)))
    told: list[int | None] = []
    plain = Lease.report

    def report(lease: Lease, rows: int, also: Callable[[int], None] | None) -> None:
        told.append(ExportRun.objects.get(pk=run.pk).rows_expected)
        plain(lease, rows, also)

    monkeypatch.setattr(Lease, "report", report)
    runs.execute(run=claimed)
    run.refresh_from_db()
    assert set(told) == {run.rows_written}  # nothing is left out here, so the estimate is exact
    assert run.rows_expected == run.rows_written == sum(file["rows"] for file in given(run.manifest)["files"])


def test_on_a_full_disk_an_export_waits_and_uses_up_no_try(
    project: Project, ranked: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.start_night(night=NIGHT)
    monkeypatch.setattr("common.disk.is_full", lambda folder: True)
    assert tasks.run_export(str(run.pk)) == "waits for room on the disk"
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("queued", 0)
