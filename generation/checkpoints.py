"""Checkpoints as folders: written whole or not at all. Imports no torch and no Django."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FACTS = "training.json"


class OutExists(ValueError):
    """The folder for the new checkpoint is there already; the message says what to do."""


@contextmanager
def writing(out: str | Path) -> Iterator[Path]:
    """A hidden folder beside `out` to write a checkpoint into; it becomes `out` when the block ends well.

    Raises:
        OutExists: a checkpoint never takes another's place, since its name may be registered.
    """
    out = Path(out).resolve()
    check_free(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        yield fresh
        for path in fresh.iterdir():
            path.chmod(0o644)  # safetensors writes for its owner only, and a worker may be another user
            _sync(path)
        _sync(fresh)
        try:
            fresh.rename(out)
        except OSError:
            raise OutExists(f"{out} was made by somebody else meanwhile; nothing was overwritten.") from None
        _sync(out.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_free(out: str | Path) -> None:
    """Raise OutExists where `out` cannot become a new checkpoint."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutExists(f"{out} exists and is not empty: name another folder, or remove it first.")


def save(model: Any, tokenizer: Any, out: str | Path, *, facts: dict[str, Any]) -> Path:
    """A transformers model as safetensors with its tokenizer, and `training.json` on how it came about."""
    with writing(out) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
    return Path(out)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
