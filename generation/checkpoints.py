"""Checkpoints as folders: found, hashed, and written whole or not at all. Imports no torch and no Django."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from common.shapes import JsonLike

FACTS = "training.json"
WEIGHTS = ("*.safetensors", "*.gguf")


class CannotLoad(Exception):
    """A model cannot be loaded; the message says why, to the operator."""


class OutExists(ValueError):
    """The folder for the new checkpoint is there already; the message says what to do."""


class Saved(Protocol):
    """A model or a tokenizer of transformers."""

    def save_pretrained(self, save_directory: Path) -> object: ...


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
            raise OutExists(f"{out} was made by another process meanwhile; nothing was overwritten.") from None
        _sync(out.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_free(out: str | Path) -> None:
    """Raise OutExists where `out` cannot become a new checkpoint."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutExists(f"{out} exists and is not empty: name another folder, or remove it first.")


def save(model: Saved, tokenizer: Saved, out: str | Path, *, facts: Mapping[str, JsonLike]) -> Path:
    """A transformers model as safetensors with its tokenizer, and `training.json` on how it came about."""
    with writing(out) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
    return Path(out)


def weight_files(folder: Path) -> list[Path]:
    """The weights of a checkpoint: safetensors, else GGUF; a single file stands for itself."""
    if folder.is_file():
        return [folder]
    for pattern in WEIGHTS:
        if files := sorted(folder.glob(pattern)):
            return files
    return []


def weights_hash(files: list[Path]) -> str:
    """SHA-256 over the weight files' names and bytes; the same checkpoint has the same hash on every machine."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
