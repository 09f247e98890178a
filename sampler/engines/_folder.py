"""What can be said of a checkpoint's folder without loading it."""

from __future__ import annotations

from pathlib import Path

from generation.checkpoints import weight_files


def is_missing(location: str) -> bool:
    """Whether it names a place on this machine where nothing lies. A name on the hub does not."""
    folder = Path(location).expanduser()
    return (folder.is_absolute() or location.startswith(".")) and not folder.exists()


def has_no_weights(location: str) -> bool:
    folder = Path(location).expanduser()
    return folder.is_dir() and not weight_files(folder)
