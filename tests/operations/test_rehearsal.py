"""A restore is tried out beside what is there, and what is missing in a backup is found."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from operations import databases, metrics, rehearsal, tasks
from operations.backup import DUMP, MANIFEST, sha256
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR, settings.BACKUPS = tmp_path / "var", str(tmp_path / "backups")
    (settings.VAR_DIR / "exports").mkdir(parents=True)
    makers.make_user("kept")
    return tmp_path / "backups"


def left_over(var: Path) -> list[str]:
    with databases._server() as server, server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{databases.name()[:40]}\\_new\\_%"])
        found = [str(row[0]) for row in cursor.fetchall()]
    return found + [path.name for path in var.glob(".restore*")]


def changed(backup: Path, **facts: object) -> Path:
    """The same backup with other facts in it; a `rows` of None takes them out."""
    other = backup.with_name("other.tar")
    with tarfile.open(backup) as before, tarfile.open(other, "w") as after:
        for member in before.getmembers():
            content = before.extractfile(member)
            data = content.read() if content else b""
            if member.name == MANIFEST:
                told = {name: value for name, value in {**json.loads(data), **facts}.items() if value is not None}
                data = json.dumps(told).encode()
                member.size = len(data)
            after.addfile(member, io.BytesIO(data) if content else None)
    return other


def test_the_newest_backup_is_tried_every_week_and_metrics_tell_when(folder: Path, settings: Settings) -> None:
    assert tasks.rehearse() == "None"  # there is none yet
    assert rehearsal.last_times() == {}
    tasks.back_up()
    made = tasks.rehearse()
    assert Path(made).parent == folder
    assert set(rehearsal.last_times()) == {"made", "rehearsed"}
    text = metrics.text().decode()
    assert 'duologue_backup_last_timestamp_seconds{kind="rehearsed"}' in text
    assert left_over(Path(settings.VAR_DIR)) == []
    assert list(User.objects.values_list("username", flat=True)) == ["kept"]


@pytest.mark.slow
def test_the_rows_of_each_table_are_compared_in_one_snapshot(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    backup = folder / "one.tar"
    call_command("backup", str(backup))
    with tarfile.open(backup) as archive:
        member = archive.extractfile(MANIFEST)
        assert member is not None
        facts = json.loads(member.read())
    assert facts["rows"]["accounts_user"] == 1
    makers.make_user("later")
    call_command("restore", str(backup), "--rehearse")
    assert "nothing here was changed" in capsys.readouterr().out
    assert User.objects.count() == 2
    missing = changed(backup, rows={**facts["rows"], "accounts_user": 7})
    with pytest.raises(CommandError, match="accounts_user has 1 rows and had 7"):
        call_command("restore", str(missing), "--rehearse")
    call_command("restore", str(changed(backup, rows=None)), "--rehearse")  # of an older release
    assert left_over(Path(settings.VAR_DIR)) == []


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut", "sum", "none", "dump"])
def test_a_backup_that_cannot_be_restored_is_said(folder: Path, settings: Settings, tmp_path: Path, harm: str) -> None:
    folder.mkdir()
    backup = folder / "one.tar"
    call_command("backup", str(backup))
    if harm == "cut":
        backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    elif harm == "sum":
        backup = changed(backup, sha256="0" * 64)
    elif harm == "none":
        backup = folder / "nowhere.tar"
    else:
        dump = tmp_path / DUMP
        dump.write_bytes(b"PGDMP and nothing else")
        with tarfile.open(backup, "w") as archive:
            facts = json.dumps({"duologue": "1", "made_at": "now", "sha256": sha256(dump)}).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(facts)
            archive.addfile(info, io.BytesIO(facts))
            archive.add(dump, DUMP)
    with pytest.raises(CommandError):
        call_command("restore", str(backup), "--rehearse")
    assert left_over(Path(settings.VAR_DIR)) == []
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_connection_is_to_our_database_afterwards(folder: Path) -> None:
    before = connection.settings_dict["NAME"]
    tasks.back_up()
    tasks.rehearse()
    assert connection.settings_dict["NAME"] == before
    assert User.objects.filter(username="kept").exists()
