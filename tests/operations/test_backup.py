"""Backup and restore: one file, checked, never over something that is there."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def var(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "var folder"
    (folder / "exports" / "night").mkdir(parents=True)
    (folder / "exports" / "night" / "rows.jsonl").write_text("{}\n")
    (folder / "exports" / "latest").symlink_to("night")
    (folder / "exports" / ".unfinished").mkdir()
    (folder / "secret_key").write_text("not so secret in a test")
    settings.VAR_DIR = folder
    return folder


@pytest.fixture
def other_database() -> Iterator[str]:
    """A second, empty database that the connection is pointed to."""
    name, first = "duologue_restored", connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    connection.settings_dict["NAME"] = name
    yield name
    connection.close()
    connection.settings_dict["NAME"] = first
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def test_what_was_backed_up_is_there_after_a_restore(var: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    makers.make_project(slug="kept")
    makers.make_user("alice")
    call_command("backup", str(tmp_path / "all.tar"))
    assert (tmp_path / "all.tar").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "all.tar") as archive:
        assert not [name for name in archive.getnames() if "unfinished" in name]
    (var / "exports" / "night" / "rows.jsonl").unlink()
    (var / "exports" / "latest").unlink()
    (var / "secret_key").unlink()
    request.getfixturevalue("other_database")
    call_command("restore", str(tmp_path / "all.tar"))
    assert User.objects.filter(username="alice").exists()
    assert Project.objects.get().slug == "kept"
    assert (var / "exports" / "latest").readlink() == Path("night")
    assert (var / "exports" / "latest" / "rows.jsonl").exists()
    assert (var / "exports" / "night" / "rows.jsonl").read_text() == "{}\n"
    assert (var / "secret_key").stat().st_mode & 0o077 == 0


def test_a_database_that_holds_something_is_not_overwritten_unasked(
    var: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    makers.make_user("alice")
    call_command("backup", str(tmp_path / "all.tar"))
    request.getfixturevalue("other_database")
    call_command("restore", str(tmp_path / "all.tar"))
    User.objects.update(username="somebody else")
    with pytest.raises(CommandError, match="not empty: nothing was changed"):
        call_command("restore", str(tmp_path / "all.tar"))
    assert User.objects.get().username == "somebody else"
    call_command("restore", str(tmp_path / "all.tar"), "--force")
    assert User.objects.get().username == "alice"


def test_a_damaged_backup_is_refused_before_anything_is_changed(var: Path, tmp_path: Path) -> None:
    makers.make_user("alice")
    call_command("backup", str(tmp_path / "all.tar"))
    whole = (tmp_path / "all.tar").read_bytes()
    at = whole.index(b"PGDMP") + 200
    (tmp_path / "all.tar").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(tmp_path / "all.tar"), "--force")
    (tmp_path / "all.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=r"damaged|not a backup"):
        call_command("restore", str(tmp_path / "all.tar"), "--force")
    assert User.objects.get().username == "alice"


def test_a_backup_into_a_folder_that_is_not_there_says_so(var: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("backup", str(tmp_path / "absent" / "all.tar"))
