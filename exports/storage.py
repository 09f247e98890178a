"""Where finished exports lie: Django's storage named "exports", a local folder by default.

An export has a name of two parts, `PROJECT/2026-11-22-1a2b3c4d`. On a local folder it is written in place and
appears by one rename. Elsewhere it is written under `EXPORT_ROOT` first and then sent file by file, the manifest
last: a folder without a manifest is not an export. `PROJECT/latest` names one of the project's: a link on a disk,
a small file elsewhere.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from common.folders import sync, vanish

MANIFEST, README, SUMS = "manifest.json", "README.md", "SHA256SUMS"
WHOLE_FOLDER = (MANIFEST, README, SUMS)
"""What lies in every export beside the files that its manifest lists."""

LATEST = "latest"


def storage() -> Storage:
    return storages["exports"]


def local_path(name: str) -> Path | None:
    """The folder of that name, where the storage has folders."""
    try:
        return Path(storage().path(name))
    except NotImplementedError:
        return None


def working_path(name: str) -> Path:
    """Where to write the folder before `publish`."""
    return local_path(name) or Path(settings.EXPORT_ROOT) / ".outgoing" / name


def publish(name: str) -> None:
    """Make the folder at `working_path` available under `name`."""
    if local_path(name) is not None:
        return
    folder = working_path(name)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    for path in [*files, folder / MANIFEST]:
        target = str(PurePosixPath(name) / path.relative_to(folder).as_posix())
        if storage().exists(target):
            storage().delete(target)
        with path.open("rb") as file:
            storage().save(target, File(file))
    shutil.rmtree(folder)
    _rmdir_if_empty(folder.parent)


def point(project: str, name: str | None) -> None:
    """Let `PROJECT/latest` name this export of the project, or none. Whoever follows it meanwhile finds the one
    before or this one."""
    folder = local_path(project)
    if folder is None:
        _point_by_file(f"{project}/{LATEST}", name)
        return
    link = folder / LATEST
    if name is None:
        link.unlink(missing_ok=True)
    elif not link.is_symlink() or os.readlink(link) != name:
        for left in folder.glob(f".{LATEST}-*"):  # of a process that was killed right here
            left.unlink(missing_ok=True)
        fresh = folder / f".{LATEST}-{uuid.uuid4().hex[:8]}"
        fresh.symlink_to(name)  # relative: the folder can be moved and mounted elsewhere
        fresh.replace(link)
        sync(folder)


def _point_by_file(path: str, name: str | None) -> None:
    there = storage().exists(path)
    if name is None:
        if there:
            storage().delete(path)
        return
    content = f"{name}\n".encode()
    if there:
        with storage().open(path, "rb") as file:
            if file.read() == content:
                return
        if storage().get_available_name(path) != path:  # a storage that does not overwrite
            storage().delete(path)
    storage().save(path, ContentFile(content))


def open_file(name: str, path: str) -> File[bytes]:
    """A file of an export, to be read.

    Raises:
        FileNotFoundError: the export holds no such file.
    """
    try:
        file: File[bytes] = storage().open(f"{name}/{path}", "rb")
    except SuspiciousFileOperation:  # a folder that a command wrote elsewhere
        raise FileNotFoundError(f"{path} is not in the exports storage.") from None
    return file


def remove(name: str, paths: Iterable[str]) -> None:
    """Delete an export, its manifest first, so that no half of it passes for one."""
    if folder := local_path(name):
        if folder.is_dir():
            vanish(folder)
        if "/" in name:
            _rmdir_if_empty(folder.parent)
        return
    for path in [MANIFEST, *paths, README, SUMS]:
        storage().delete(f"{name}/{path}")


def _rmdir_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
