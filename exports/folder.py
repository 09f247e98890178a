"""Writes one export folder: every configuration in one pass over each kind of record, the manifest
last, then one rename. Knows nothing of runs, leases or retention (`exports/runs.py`).
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from exports import card, manifests, scopes
from exports.options import Options
from exports.snapshot import snapshot
from exports.writing import Progress, Writing
from labeling.models import Project


class FolderExists(Exception):
    """The target is there already and holds something; the message says what to do."""


def write(
    *,
    project: Project,
    target: Path,
    cutoff: datetime,
    options: Options,
    export_id: uuid.UUID,
    progress: Progress = lambda rows: None,
    expect: Progress = lambda rows: None,
) -> dict[str, Any]:
    """Write the export as the folder `target` and return its manifest. `expect` is told once how many rows there
    will be at about, `progress` how many there are.

    Nothing appears at `target` before everything is on the disk; a run that dies leaves at most a
    hidden sibling, which the next one removes.

    Raises:
        FolderExists, exports.snapshot.Unsettled
    """
    target = target.resolve()
    with _partial(target) as folder:
        with snapshot(cutoff, scratch=folder) as view, scopes.read(view, project, cutoff, options) as ground:
            writing = Writing(folder=folder, ground=ground, progress=progress)
            expect(writing.count(view))
            writing.run(view)
        files = writing.finish()
        manifest = manifests.build(ground=ground, tally=writing.tally, export_id=export_id)
        modules = writing.pipeline.modules
        readme = card.text(
            project={n: getattr(project, n) for n in ("title", "description", "language", "licence", "contact")},
            files=[f for f in files if f.split],
            about={name: module.ABOUT for name, module in modules.items()},
            columns={name: module.COLUMNS for name, module in modules.items()},
            manifest=manifest,
            lengths=writing.lengths(),
        )
        sums = {f.path: f.sha256 for f in files} | {"README.md": _store(folder / "README.md", readme)}
        listing = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
        _store(folder / "SHA256SUMS", listing)
        manifest["files"] = [dataclasses.asdict(f) for f in files]
        _store(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
        for path in (*(p for p in folder.iterdir() if p.is_dir()), folder):
            _sync(path)
    return manifest


def _store(path: Path, content: str) -> str:
    data = content.encode()
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target` that takes its place at the end, whole or not at all.

    The folder is locked while its writer lives, so that what a killed one left can be told from
    what another is writing, and removed.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderExists(f"{target} exists and is not empty: name another folder, or remove it first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.partial-*"):
        _remove_if_dead(left)
    folder = target.parent / f".{target.name}.partial-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
        try:
            os.rename(folder, target)  # onto nothing or an empty folder; refused by the system otherwise
        except OSError:
            raise FolderExists(f"{target} was made by somebody else meanwhile; nothing was overwritten.") from None
        _sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


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


def _sync(folder: Path) -> None:
    """A name is on the disk only when the folder that holds it is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
