"""The files of one configuration and split: rows in, shards on the disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, TypedDict

from exports.writing.jsonl import SUFFIX, Shard, line

_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ][\d:.,+\-Z ]*)?")

Row: TypeAlias = Mapping[str, object]


class Listed(TypedDict):
    """A finished file, as the manifest lists it."""

    path: str
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Stored:
    """A finished file."""

    path: str
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str

    def listed(self) -> Listed:
        return {
            "path": self.path, "config": self.config, "split": self.split, "rows": self.rows, "bytes": self.bytes,
            "sha256": self.sha256,
        }  # fmt: skip


class RowFile(Protocol):
    """Where the rows of one configuration and split go."""

    rows: int
    only_dates: bool

    def write(self, row: Row, unit: str) -> None:
        """Write a row. Rows of one `unit` (a record) follow each other and stay together."""
        ...

    def finish(self) -> list[Stored]:
        """Put everything on the disk; the files that hold rows."""
        ...


def store(path: Path, content: str) -> tuple[int, str]:
    """Write a small text and put it on the disk; its size and SHA-256."""
    data = content.encode()
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return len(data), hashlib.sha256(data).hexdigest()


def texts(value: object, name: str = "") -> Iterator[str]:
    """Texts of message lists, and of a column `text`: the only free texts that a loader may take for dates."""
    if name == "text" and isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if "content" in value:
            yield value["content"]
        else:
            for inner in value.values():
                yield from texts(inner)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


class Dates:
    """Which columns hold nothing but dates so far: a loader reads such a column as timestamps and changes
    the text."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] | None = None  # None before the first row

    def watch(self, row: Row) -> None:
        """Drop the columns that hold a text which is not a date."""
        if self.columns is None:
            self.columns = tuple(name for name, value in row.items() if any(True for _ in texts(value, name)))
        if self.columns:
            self.columns = tuple(n for n in self.columns if all(_DATE.fullmatch(text) for text in texts(row[n], n)))


class SplitFile:
    """JSON Lines, in one or more shards.

    A file of nothing but dates is left out (`finish` returns nothing and `only_dates` is set).
    """

    def __init__(self, folder: Path, config: str, split: str, *, shards: int = 1, compress: str = "") -> None:
        self.config, self.split, self.rows, self.only_dates = config, split, 0, False
        self._folder, self._compress, self._of = folder, compress, shards
        self._shards: list[Shard] = []
        self._names: list[str] = []
        self._unit, self._next = "", -1
        self._dates = Dates()

    def write(self, row: Row, unit: str) -> None:
        if not self._shards:
            self._open()
        if self._dates.columns != ():
            self._dates.watch(row)
        if unit != self._unit:  # units go to the shards in turn
            self._unit, self._next = unit, (self._next + 1) % self._of
        self._shards[self._next].write(line(row))
        self.rows += 1

    def _open(self) -> None:
        (self._folder / self.config).mkdir(exist_ok=True)
        for number in range(self._of):
            part = f"-{number:05d}-of-{self._of:05d}" if self._of > 1 else ""
            self._names.append(f"{self.config}/{self.split}{part}{SUFFIX[self._compress]}")
            self._shards.append(Shard(self._folder / self._names[-1], self._compress))

    def finish(self) -> list[Stored]:
        """Close the shards. Empty ones are left out: a loader refuses a file without rows."""
        stored = []
        self.only_dates = bool(self._dates.columns)
        for name, shard in zip(self._names, self._shards, strict=True):
            size, digest = shard.close()
            if shard.rows == 0 or self.only_dates:
                (self._folder / name).unlink()
            else:
                stored.append(Stored(name, self.config, self.split, shard.rows, size, digest))
        if self.only_dates:
            with suppress(OSError):  # where the other split has rows
                (self._folder / self.config).rmdir()
        return stored
