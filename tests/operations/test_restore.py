"""A restore is all or nothing: cut short anywhere, the old data is there, or the new."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from operations import databases, restore
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)
BASE = Path(__file__).resolve().parents[2]


@pytest.fixture
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    night = settings.VAR_DIR / "exports" / "night"
    night.mkdir(parents=True)
    (night / "rows.jsonl").write_text("new\n")
    (settings.VAR_DIR / "secret_key").write_text("x" * 30 + "abcdefghijklmnopqrstuvwxyz")
    return Path(settings.VAR_DIR)


@pytest.fixture
def backup(var: Path, tmp_path: Path) -> Path:
    """Of "new" data; afterwards what is there is "old"."""
    makers.make_user("new")
    file = tmp_path / "new.tar"
    call_command("backup", str(file))
    User.objects.all().delete()
    makers.make_user("old")
    (var / "exports" / "night" / "rows.jsonl").write_text("old\n")
    return file


@pytest.fixture
def own_database(backup: Path) -> Iterator[str]:
    """A copy of the test database that may be swapped, killed and dropped."""
    first = str(connection.settings_dict["NAME"])
    name = f"restore_{os.getpid()}"
    connection.close()
    with databases._server() as server, server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {first}")
    connection.settings_dict["NAME"] = name
    yield name
    connection.close()
    with databases._server() as server, server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"])
        for (left,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE "{left}" WITH (FORCE)')
    connection.settings_dict["NAME"] = first


def what_is_there(var: Path) -> set[str]:
    """Whose accounts and whose files."""
    connection.close()
    return {*User.objects.values_list("username", flat=True), (var / "exports/night/rows.jsonl").read_text().strip()}


def left_over(name: str, var: Path) -> list[str]:
    with databases._server() as server, server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}\\_%"])
        found = [str(row[0]) for row in cursor.fetchall()]
    return found + [path.name for path in var.iterdir() if path.name.startswith((".restore", "restore"))]


def test_everything_changes_places_and_nothing_is_left_over(backup: Path, var: Path, own_database: str) -> None:
    call_command("restore", str(backup), "--force")
    assert what_is_there(var) == {"new"}
    assert left_over(own_database, var) == []


class Stopped(Exception):
    pass


@pytest.mark.parametrize("step", range(5))
def test_stopped_after_any_step_the_old_or_the_new_is_there(
    backup: Path, var: Path, own_database: str, step: int
) -> None:
    steps = 0

    def say(text: str) -> None:
        nonlocal steps
        steps += 1
        if steps > step:
            raise Stopped(text)

    try:
        restore.read(backup, force=True, say=say)
    except Stopped:
        restore.finish(say=lambda text: None)
    assert what_is_there(var) in ({"old"}, {"new"})
    assert left_over(own_database, var) == []


def damaged(source: Path, target: Path, name: str) -> None:
    """`source` with another content of the file `name`."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            content = file.read() if file is not None else b""
            if member.name == name:
                content = b"?" + content[1:]
            new.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("name", ["exports/night/rows.jsonl", "database.dump"])
def test_a_file_that_does_not_fit_its_sum_changes_nothing(
    backup: Path, var: Path, own_database: str, tmp_path: Path, name: str
) -> None:
    damaged(backup, tmp_path / "bad.tar", name)
    with pytest.raises(CommandError, match=f"checksum of {name} does not fit"):
        call_command("restore", str(tmp_path / "bad.tar"), "--force")
    assert what_is_there(var) == {"old"}
    assert left_over(own_database, var) == []


def test_a_dump_that_this_server_cannot_read_changes_nothing(
    backup: Path, var: Path, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(program: str, arguments: list[str], *, database: str = "") -> None:
        raise databases.DatabaseError("pg_restore failed: unsupported version (1.16) in file header")

    monkeypatch.setattr(databases, "run", older)
    with pytest.raises(CommandError, match=r"unsupported version .* Nothing was changed"):
        call_command("restore", str(backup), "--force")
    assert what_is_there(var) == {"old"}
    assert left_over(own_database, var) == []


def test_without_room_for_both_nothing_is_begun(
    backup: Path, var: Path, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10))
    with pytest.raises(CommandError, match="MB free and the backup needs"):
        call_command("restore", str(backup), "--force")
    assert what_is_there(var) == {"old"}


def killed_after(said: str, command: list[str], env: dict[str, str]) -> None:
    """SIGKILL as soon as the command has said so."""
    unbuffered = env | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=BASE, env=unbuffered, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(said in line for line in process.stdout)
        process.kill()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_or_starved_at_twenty_points_the_old_or_the_new_is_there(
    backup: Path, var: Path, own_database: str
) -> None:
    """SIGKILL at points spread over its whole course, at the moment when the database has changed places, or a file
    size limit as a full disk; then what the next start does."""
    host = quote(str(connection.settings_dict["HOST"]), safe="")
    env = {
        **os.environ, "DUOLOGUE_VAR": str(var), "PYTHONPATH": str(BASE),
        "DATABASE_URL": f"postgresql://{connection.settings_dict['USER']}@/{own_database}?host={host}",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "restore", str(backup), "--force"]
    began = time.monotonic()
    whole = subprocess.run(command, cwd=BASE, env=env, capture_output=True, text=True, check=True)
    took = time.monotonic() - began
    assert "restored" in whole.stdout
    points = random.Random(3)
    seen: set[str] = set()
    for point in range(20):
        User.objects.all().delete()
        connection.close()
        makers.make_user("old")
        (var / "exports/night/rows.jsonl").write_text("old\n")
        if point < 14:
            process = subprocess.Popen(command, cwd=BASE, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(took * (0.3 + 0.7 * (point + points.random()) / 14))
            process.kill()
            process.wait()
        elif point < 16:
            killed_after("database  in place", command, env)
        else:
            limit = f"ulimit -f {(point - 15) * 20}; exec {subprocess.list2cmdline(command)}"
            subprocess.run(["bash", "-c", limit], cwd=BASE, env=env, capture_output=True)
        restore.finish(say=lambda text: None)
        there = what_is_there(var)
        assert there in ({"old"}, {"new"}), f"point {point}: {there}"
        assert left_over(own_database, var) == []
        seen |= there
    assert seen == {"old", "new"}


def test_backups_are_rotated(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makers.make_user("kept")
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 5):
        (folder / f"duologue-2026010{day}T000000Z.tar").touch()
    (folder / "another file").touch()
    call_command("backup", "--keep", "3", "--folder", str(folder))
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 4
    assert names[:3] == ["another file", "duologue-20260103T000000Z.tar", "duologue-20260104T000000Z.tar"]
