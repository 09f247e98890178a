"""Exports in a storage without folders, as S3 is: sent file by file, the manifest last."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from exports import runs, storage, tasks
from exports.models import ExportRun
from labeling.models import Project
from tests import makers
from tests.exports.makers import given


class Buckets(Storage):
    """Holds files by name in the order in which they came, and can fail as a network does."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.fails_at = 0

    def _save(self, name: str, content: File[bytes]) -> str:
        if len(self.held) + 1 == self.fails_at:
            self.fails_at = 0
            raise OSError("The connection was reset.")
        self.held[name] = content.read()
        return name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return ContentFile(self.held[name], name)

    def exists(self, name: str) -> bool:
        return name in self.held

    def delete(self, name: str) -> None:
        self.held.pop(name, None)


@pytest.fixture
def buckets(settings: Settings, tmp_path: Path) -> Buckets:
    settings.EXPORT_ROOT = tmp_path / "exports"
    settings.STORAGES = {**settings.STORAGES, "exports": {"BACKEND": f"{__name__}.Buckets"}}
    made = storages["exports"]
    assert isinstance(made, Buckets)
    return made


@pytest.fixture
def run(project: Project, alice: User, buckets: Buckets) -> ExportRun:
    makers.make_ranking(makers.make_comparison(project), alice)
    return runs.request(project=project, trigger="api", ring=False)


def test_an_export_is_sent_file_by_file_and_the_manifest_last(
    run: ExportRun, buckets: Buckets, settings: Settings
) -> None:
    assert tasks.run_export(str(run.pk)) == "finished"
    run.refresh_from_db()
    listed = {f"{run.path}/{file['path']}" for file in given(run.manifest)["files"]}
    assert set(buckets.held) == listed | {f"{run.path}/{n}" for n in ("README.md", "SHA256SUMS", "manifest.json")}
    assert list(buckets.held)[-1] == f"{run.path}/manifest.json"
    for file in given(run.manifest)["files"]:
        with storage.open_file(run.path, file["path"]) as sent:
            assert len(sent.read()) == file["bytes"]
    assert list((settings.EXPORT_ROOT / ".outgoing").iterdir()) == []


def test_a_connection_lost_midway_leaves_no_manifest_and_the_next_try_sends_the_same(
    run: ExportRun, buckets: Buckets
) -> None:
    buckets.fails_at = 3
    assert tasks.run_export(str(run.pk)) == "failed"
    assert not any(name.endswith("manifest.json") for name in buckets.held)
    assert tasks.run_export(str(run.pk)) == "finished"
    run.refresh_from_db()
    assert buckets.exists(f"{run.path}/manifest.json")
    assert len(buckets.held) == len(given(run.manifest)["files"]) + 3


def test_a_worker_killed_while_sending_is_followed_by_one_that_sends_all(
    run: ExportRun, buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = given(runs.claim(run_id=str(run.pk)))
    monkeypatch.setattr(runs, "_finish", lambda *args, **columns: (_ for _ in ()).throw(runs.LostLease("killed")))
    with pytest.raises(runs.LostLease):
        runs.execute(run=claimed)
    monkeypatch.undo()
    ExportRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert tasks.run_export(str(run.pk)) == "finished"
    run.refresh_from_db()
    assert len(buckets.held) == len(given(run.manifest)["files"]) + 3  # no second copy under another name


def test_removing_an_export_empties_its_place(run: ExportRun, buckets: Buckets) -> None:
    tasks.run_export(str(run.pk))
    run.refresh_from_db()
    assert runs.remove(run=run)
    assert buckets.held == {}
