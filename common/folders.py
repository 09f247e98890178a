"""A folder that appears whole or not at all: written under a hidden name beside its place, then renamed."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderExists(Exception):
    """The target is there already and holds something; the message says what to do."""


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target` that takes its place at the end of the block, whole or not at all.

    The folder is locked while its writer lives, so that what a killed one left can be told from
    what another is writing, and removed.

    Raises:
        FolderExists
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderExists(f"{target} exists and is not empty: name another folder, or remove it first.")
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(target.parent.parent)
    for left in target.parent.glob(f".{target.name}.partial-*"):
        _remove_if_dead(left)
    folder = target.parent / f".{target.name}.partial-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
        for path in (*(p for p in folder.iterdir() if p.is_dir()), folder):
            sync(path)
        try:
            os.rename(folder, target)  # onto nothing or an empty folder; refused by the system otherwise
        except OSError:
            raise FolderExists(f"{target} was made by somebody else meanwhile; nothing was overwritten.") from None
        sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def vanish(folder: Path) -> None:
    """Remove a folder, hidden first, so that no half of it passes for one."""
    hidden = folder.with_name(f".{folder.name}.removed")
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def sync(folder: Path) -> None:
    """A name is on the disk only when the folder that holds it is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_dead(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its writer lives
    finally:
        os.close(lock)
