"""Where finished exports lie: Django's storage named "exports", a local folder by default.

On a local folder an export is written in place and appears by one rename. Elsewhere it is written
under `EXPORT_ROOT` first and then sent file by file, the manifest last: a folder without a manifest
is not an export.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.storage import Storage, storages

from common.folders import vanish

MANIFEST, README, SUMS = "manifest.json", "README.md", "SHA256SUMS"
WHOLE_FOLDER = (MANIFEST, README, SUMS)
"""What lies in every export beside the files that its manifest lists."""


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
        return
    for path in [MANIFEST, *paths, README, SUMS]:
        storage().delete(f"{name}/{path}")
