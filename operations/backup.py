"""One file with everything that cannot be made again: the database, the exports, uploaded files, the secret key.

The programs are PostgreSQL's own, from the wheel, so that they fit the server; a database elsewhere may be
older than they are, never newer. Models and logs stay out: they are unpacked or written again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NotRequired, TypedDict

from django.conf import settings

from exports.writing.manifest import version_of_duologue
from operations import databases

DUMP, MANIFEST, KEY, SUMS = "database.dump", "backup.json", "secret_key", "sums.json"
FOLDERS = ("media", "exports")
Say = Callable[[str], None]


class Facts(TypedDict):
    """What a backup says of itself."""

    duologue: str
    made_at: str
    sha256: str  # of the dump
    rows: NotRequired[dict[str, int]]  # of each table, in the dump's own snapshot; not in backups of older releases


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
            with databases.snapshot() as (snapshot, counts):
                options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
                databases.run("pg_dump", [*options, "--file", str(dump)])
            say(f"  database  {dump.stat().st_size / 1e6:.1f} MB")
            _pack(raw, dump, counts)
            raw.flush()
            os.fsync(raw.fileno())
        fresh.replace(target)
    except databases.DatabaseError as error:
        raise BackupError(str(error)) from None
    except OSError as error:
        raise BackupError(f"{str(target)!r} cannot be written: {error.strerror}.") from None
    finally:
        fresh.unlink(missing_ok=True)


def _pack(raw: IO[bytes], dump: Path, counts: dict[str, int]) -> None:
    with tarfile.open(fileobj=raw, mode="w") as archive:
        _add_bytes(archive, MANIFEST, json.dumps(_facts(dump, counts), indent=1).encode())
        archive.add(dump, DUMP)
        key = settings.VAR_DIR / KEY
        if key.exists():  # sessions, webhook secrets and second factors depend on it
            archive.add(key, KEY)
        sums: dict[str, str] = {}
        for name in FOLDERS:
            _add_folder(archive, name, sums)
        _add_bytes(archive, SUMS, json.dumps(sums).encode())


def _facts(dump: Path, counts: dict[str, int]) -> Facts:
    return {
        "duologue": version_of_duologue(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "sha256": sha256(dump),
        "rows": counts,
    }


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), int(time.time())
    archive.addfile(info, io.BytesIO(content))


def _add_folder(archive: tarfile.TarFile, name: str, sums: dict[str, str]) -> None:
    """A folder of the var folder, file by file, and what each one's sum is as it goes in."""
    top = Path(settings.VAR_DIR) / name
    for path in sorted([top, *top.rglob("*")]) if top.is_dir() else []:
        info = _finished(archive.gettarinfo(path, str(path.relative_to(settings.VAR_DIR))))
        if info is None:
            continue
        if not info.isfile():
            archive.addfile(info)
            continue
        with path.open("rb") as file:
            reader = _Summed(file)
            archive.addfile(info, reader)
        sums[info.name] = reader.sum.hexdigest()


class _Summed(io.RawIOBase):
    """A file that adds up what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.file.read(size)
        self.sum.update(chunk)
        return chunk


def _finished(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Exports that are being written have a name with a dot in front; they are not in a backup."""
    return None if any(part.startswith(".") for part in info.name.split("/")) else info


def rotate(folder: Path, *, keep: int, say: Say) -> Path:
    """A backup in `folder` under the date of now, and the oldest beyond `keep` removed once it is whole.

    Raises:
        BackupError: it could not be made; no older one was removed then.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{str(folder)!r} cannot be made: {error.strerror}.") from None
    target = folder / time.strftime("duologue-%Y%m%dT%H%M%SZ.tar", time.gmtime())
    write(target, say=say)
    for old in sorted(folder.glob("duologue-*Z.tar"))[:-keep]:
        old.unlink(missing_ok=True)
        say(f"  removed   {old.name}")
    return target
