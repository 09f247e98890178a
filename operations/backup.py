"""One file with everything that cannot be made again: the database, the exports, uploaded files, the secret key.

The programs are PostgreSQL's own, from the wheel, so that they fit the server; a database elsewhere may be
older than they are, never newer. Models and logs stay out: they are unpacked or written again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypedDict

from django.conf import settings
from django.db import connection

from common import embedded
from exports.writing.manifest import version_of_duologue

DUMP, MANIFEST, KEY = "database.dump", "backup.json", "secret_key"
FOLDERS = ("media", "exports")
Say = Callable[[str], None]


class Facts(TypedDict):
    """What a backup says of itself."""

    duologue: str
    made_at: str
    sha256: str  # of the dump


class BackupError(Exception):
    """Why it cannot be done, as a sentence."""


def write(target: Path, *, say: Say) -> None:
    """Write `target`, complete or not at all, readable by its owner only.

    Raises:
        BackupError: the folder cannot be written, or pg_dump failed.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent) as folder,
            os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw,
        ):
            dump = Path(folder) / DUMP
            _pg("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", "--file", str(dump), *_where()])
            say(f"  database  {dump.stat().st_size / 1e6:.1f} MB")
            _pack(raw, dump)
            raw.flush()
            os.fsync(raw.fileno())
        fresh.replace(target)
    except OSError as error:
        raise BackupError(f"{str(target)!r} cannot be written: {error.strerror}.") from None
    finally:
        fresh.unlink(missing_ok=True)


def _pack(raw: IO[bytes], dump: Path) -> None:
    with tarfile.open(fileobj=raw, mode="w") as archive:
        _add_bytes(archive, MANIFEST, json.dumps(_facts(dump), indent=1).encode())
        archive.add(dump, DUMP)
        key = settings.VAR_DIR / KEY
        if key.exists():  # sessions, webhook secrets and second factors depend on it
            archive.add(key, KEY)
        for name in FOLDERS:
            if (settings.VAR_DIR / name).is_dir():
                archive.add(settings.VAR_DIR / name, name, filter=_finished)


def read(source: Path, *, force: bool, say: Say) -> None:
    """Put everything of `source` in place of what is here.

    Raises:
        BackupError: not a backup of ours, damaged, or the database holds something and `force` is not set.
    """
    try:
        with tarfile.open(source) as archive, tempfile.TemporaryDirectory() as folder:
            facts = _check(archive, Path(folder))
            if _holds_something() and not force:
                raise BackupError("The database here is not empty: nothing was changed; --force replaces it.")
            say(f"  backup of {facts['made_at']}, Duologue {facts['duologue']}")
            _empty()
            whole = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
            _pg("pg_restore", [*whole, *_where(), f"{folder}/{DUMP}"])
            say("  database  restored")
            say(f"  files     {_unpack_files(archive)}")
    except (tarfile.TarError, EOFError):
        raise BackupError(f"{str(source)!r} is not a backup, or it is damaged.") from None
    except OSError as error:
        raise BackupError(f"{str(source)!r} cannot be read: {error.strerror}.") from None


def _unpack_files(archive: tarfile.TarFile) -> int:
    """Put uploaded files, exports and the key in their places; how many they are."""
    files = [member for member in archive.getmembers() if member.name.split("/")[0] in {*FOLDERS, KEY}]
    archive.extractall(settings.VAR_DIR, members=files, filter="data")
    if (settings.VAR_DIR / KEY).exists():
        (settings.VAR_DIR / KEY).chmod(0o600)
    return sum(member.isfile() for member in files)


def _check(archive: tarfile.TarFile, folder: Path) -> Facts:
    """The manifest, after the dump has been unpacked into `folder` and found whole."""
    try:
        member = archive.extractfile(MANIFEST)
        assert member is not None
        facts: Facts = json.loads(member.read())
        archive.extract(DUMP, folder, filter="data")
    except (KeyError, ValueError, AssertionError):
        raise BackupError("The file is not a backup of Duologue.") from None
    if _sha256(folder / DUMP) != facts["sha256"]:
        raise BackupError("The backup is damaged: its checksum does not fit.")
    return facts


def _facts(dump: Path) -> Facts:
    return {
        "duologue": version_of_duologue(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "sha256": _sha256(dump),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), int(time.time())
    archive.addfile(info, io.BytesIO(content))


def _finished(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Exports that are being written have a name with a dot in front; they are not in a backup."""
    return None if any(part.startswith(".") for part in info.name.split("/")) else info


def _holds_something() -> bool:
    """Whether there is a user: migrations alone make none."""
    if "accounts_user" not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    connection.close()


def _where() -> list[str]:
    values = connection.settings_dict
    given = (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER"), ("--dbname", "NAME"))
    return [part for option, name in given if values[name] for part in (option, str(values[name]))]


def _pg(program: str, arguments: list[str]) -> None:
    server = embedded.PostgreSQL(settings.VAR_DIR)
    try:
        path = server.binaries / program
    except embedded.ServiceError as error:
        raise BackupError(str(error)) from None
    password = connection.settings_dict["PASSWORD"]
    extra = {"PGPASSWORD": password} if password else {}
    answer = subprocess.run([str(path), *arguments], env={**os.environ, **extra}, capture_output=True, text=True)
    if answer.returncode:
        said = [line for line in answer.stderr.splitlines() if "error" in line] or answer.stderr.splitlines()
        raise BackupError(f"{program} failed: {said[0].strip() if said else 'no reason given'}")
