"""A backup put in place of what is here: all of it, or nothing.

Everything is made ready beside what is there: a second database, a folder of files. Only then do they change places,
the database in one transaction, the files by renames after it. A note on disk says what was about to happen, so that
a restore that is killed at any point is finished or forgotten by `finish`, which every start and every restore calls.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from common import processes
from operations import databases
from operations.backup import DUMP, FOLDERS, KEY, MANIFEST, SUMS, BackupError, Facts, Say, sha256

NOTE = "restore.json"


@dataclass(frozen=True)
class Plan:
    """What is about to change places, and where what was there is put."""

    mark: str

    @property
    def fresh(self) -> str:
        return f"{databases.name()[:40]}_new_{self.mark}"

    @property
    def aside(self) -> str:
        return f"{databases.name()[:40]}_old_{self.mark}"

    @property
    def folder(self) -> Path:
        return Path(settings.VAR_DIR) / f".restore-{self.mark}"


def read(source: Path, *, force: bool, say: Say) -> None:
    """Put everything of `source` in place of what is here.

    Raises:
        BackupError: not a backup of ours, damaged, no room for it, or the database holds something and `force` is
            not set. What was there is still there.
    """
    with alone():
        _finish(say)
        _read(source, Plan(uuid.uuid4().hex[:12]), force=force, say=say)


def _read(source: Path, plan: Plan, *, force: bool, say: Say) -> None:
    try:
        with tarfile.open(source) as archive:
            require_room(source)
            plan.folder.mkdir(mode=0o700)
            facts = unpack(archive, plan.folder)
            if holds_something() and not force:
                raise BackupError("The database here is not empty: nothing was changed; --force replaces it.")
            say(f"  backup of {facts['made_at']}, Duologue {facts['duologue']}")
            fill(plan)
            migrate(plan)
            say("  database  restored beside the one that is there")
        _write_note(plan)
        databases.put_in_place(plan.fresh, aside=plan.aside)  # from here on the new data is what there is
        say("  database  in place")
        _finish(say)
    except (tarfile.TarError, EOFError):
        raise BackupError(f"{str(source)!r} is not a backup, or it is damaged.") from None
    except databases.DatabaseError as error:
        raise BackupError(f"{error} Nothing was changed.") from None
    except OSError as error:
        raise BackupError(f"{str(source)!r} cannot be restored: {error.strerror}. Nothing was changed.") from None
    finally:
        _forget_unless_noted(plan)


def finish(*, say: Say) -> None:
    """End a restore that was killed: forwards where the database has changed places, else backwards."""
    if _note().exists() or list(Path(settings.VAR_DIR).glob(".restore-*")):
        with alone():
            _finish(say)


@contextmanager
def alone() -> Iterator[None]:
    run = Path(settings.VAR_DIR) / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = processes.lock(run / "restore.lock")
    if lock is None:
        raise BackupError("A restore is at work on this var folder.")
    with lock:
        yield


def _finish(say: Say) -> None:
    for plan in _noted():
        if databases.mark_of(databases.name()) == plan.mark:
            _move_files(plan.folder)
            databases.drop(plan.aside)
            say("  files     in place")
        else:
            databases.drop(plan.fresh)
            say("  a restore that was cut short is forgotten: nothing had been changed")
        shutil.rmtree(plan.folder, ignore_errors=True)
        _note().unlink(missing_ok=True)
    for left in Path(settings.VAR_DIR).glob(".restore-*"):  # killed before it wrote its note
        mark = left.name.removeprefix(".restore-")
        databases.drop(Plan(mark).fresh)
        shutil.rmtree(left, ignore_errors=True)


def holds_something() -> bool:
    """Whether there is a user: migrations alone make none."""
    if "accounts_user" not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def require_room(source: Path) -> None:
    """Everything is there twice for a while."""
    needed, free = source.stat().st_size, shutil.disk_usage(settings.VAR_DIR).free
    if free < needed:
        raise BackupError(
            f"The disk of {str(settings.VAR_DIR)!r} has {free / 1e6:.0f} MB free and the backup needs "
            f"{needed / 1e6:.0f} MB beside what is there. Nothing was changed."
        )


def unpack(archive: tarfile.TarFile, folder: Path) -> Facts:
    """Into `folder`, every file held against its sum."""
    try:
        member = archive.extractfile(MANIFEST)
        assert member is not None
        facts: Facts = json.loads(member.read())
        members = [m for m in archive.getmembers() if m.name.split("/")[0] in {*FOLDERS, KEY, DUMP, SUMS}]
        archive.extractall(folder, members=members, filter="data")
    except (KeyError, ValueError, AssertionError):
        raise BackupError("The file is not a backup of Duologue.") from None
    sums = {DUMP: facts["sha256"]}
    if (folder / SUMS).exists():  # backups of the first release have sums of the dump only
        sums |= json.loads((folder / SUMS).read_text())
    for name, wanted in sums.items():
        if not (folder / name).is_file() or sha256(folder / name) != wanted:
            raise BackupError(f"The backup is damaged: the checksum of {name} does not fit. Nothing was changed.")
    return facts


def fill(plan: Plan) -> None:
    """The second database, as it was dumped."""
    databases.create(plan.fresh, mark=plan.mark)
    databases.run(
        "pg_restore",
        [
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            "--exit-on-error",
            "--single-transaction",
            f"{plan.folder}/{DUMP}",
        ],
        database=plan.fresh,
    )


def migrate(plan: Plan) -> None:
    """This release's migrations on the second database: the backup may be of an older one."""
    ours = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = plan.fresh
    try:
        call_command("migrate", interactive=False, verbosity=0)
        if "accounts_user" not in connection.introspection.table_names():
            raise BackupError("The backup's database holds no accounts: it is not used. Nothing was changed.")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = ours


def _move_files(folder: Path) -> None:
    """Renames only, each of which may have been done already."""
    var = Path(settings.VAR_DIR)
    for name in (*FOLDERS, KEY):
        ready, aside = folder / name, folder / f"{name}.old"
        if not ready.exists():
            continue
        if (var / name).exists():
            (var / name).rename(aside)
        ready.rename(var / name)
    if (var / KEY).exists():
        (var / KEY).chmod(0o600)


def _note() -> Path:
    return Path(settings.VAR_DIR) / NOTE


def _write_note(plan: Plan) -> None:
    fresh = _note().with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(plan), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(_note())


def _noted() -> list[Plan]:
    try:
        return [Plan(**json.loads(_note().read_text()))]
    except FileNotFoundError:
        return []


def _forget_unless_noted(plan: Plan) -> None:
    """Nothing of a restore that failed is left; one that got as far as its note is for `finish`."""
    if _note().exists() and databases.mark_of(databases.name()) == plan.mark:
        return
    _note().unlink(missing_ok=True)
    databases.drop(plan.fresh)
    shutil.rmtree(plan.folder, ignore_errors=True)
