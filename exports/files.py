"""The files of one configuration and split: rows in, shards on the disk.

`SplitFile` writes rows, or blocks of rows that another process encoded with `Encoded`: the same bytes
either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exports.jsonl import SUFFIX, Shard, Stored, line, texts

_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ][\d:.,+\-Z ]*)?")
Encode = Callable[[dict[str, Any]], str]


class Dates:
    """Which columns hold nothing but dates so far: a loader reads such a column as timestamps and changes
    the text."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] | None = None  # None before the first row

    def watch(self, row: dict[str, Any]) -> None:
        """Drop the columns that hold a text which is no date."""
        if self.columns is None:
            self.columns = tuple(name for name, value in row.items() if texts(value))
        if self.columns:
            self.columns = tuple(n for n in self.columns if all(_DATE.fullmatch(text) for text in texts(row[n])))

    def add(self, columns: tuple[str, ...] | None) -> None:
        """Take in what another process saw of the same file."""
        if columns is not None:
            self.columns = columns if self.columns is None else tuple(n for n in self.columns if n in columns)


class Turns:
    """Deals units (rankings) to shards in turn; rows of one unit follow each other and stay together."""

    def __init__(self, shards: int) -> None:
        self.shards, self.turn, self.units = shards, -1, 0
        self._unit: Any = object()

    def deal(self, unit: Any) -> int:
        if unit is None or unit != self._unit:
            self._unit = unit
            self.pass_(1)
        return self.turn

    def pass_(self, units: int) -> None:
        self.turn = (self.turn + units) % self.shards
        self.units += units


@dataclass(frozen=True)
class Block:
    """Some units' rows, encoded: for each shard that they take in turn, how many rows and their bytes."""

    units: int
    parts: list[tuple[int, bytes]]


class Encoded:
    """Stands for a `SplitFile` in another process."""

    def __init__(self, *, shards: int = 1, encode: Encode = line) -> None:
        self._shards, self._encode = shards, encode
        self.dates = Dates()
        self._clear()

    def _clear(self) -> None:
        self._turns = Turns(self._shards)
        self._lines: list[list[str]] = [[] for _ in range(self._shards)]

    def write(self, row: dict[str, Any], unit: Any = None) -> None:
        if self.dates.columns != ():
            self.dates.watch(row)
        self._lines[self._turns.deal(unit)].append(self._encode(row))

    def taken(self) -> Block | None:
        """What was written since the last time."""
        if not self._turns.units:
            return None
        block = Block(
            self._turns.units, [(len(some), "\n".join([*some, ""]).encode() if some else b"") for some in self._lines]
        )
        self._clear()
        return block


class SplitFile:
    """The file of one configuration and split, in one or more shards.

    A file of nothing but dates is left out (`finish` returns nothing and `only_dates` is set).
    """

    def __init__(
        self,
        folder: Path,
        config: str,
        split: str,
        *,
        shards: int = 1,
        compress: str = "",
        encode: Encode = line,
    ) -> None:
        self._encode = encode
        self.config, self.split, self.rows, self.only_dates = config, split, 0, False
        self._folder, self._compress = folder, compress
        self._shards: list[Shard] = []
        self._names: list[str] = []
        self._turns = Turns(shards)
        self.dates = Dates()

    def write(self, row: dict[str, Any], unit: Any = None) -> None:
        """Write a row. Rows of one `unit` (a ranking) follow each other and share a shard."""
        if not self._shards:
            self._open()
        if self.dates.columns != ():
            self.dates.watch(row)
        self._shards[self._turns.deal(unit)].write(self._encode(row))
        self.rows += 1

    def take(self, block: Block) -> None:
        """Write what another process encoded, as if its rows had come here."""
        if not self._shards:
            self._open()
        for number, (rows, data) in enumerate(block.parts):
            shard = self._shards[(self._turns.turn + 1 + number) % self._turns.shards]
            shard.write_block(rows, data)
            self.rows += rows
        self._turns.pass_(block.units)

    def _open(self) -> None:
        folder, shards = self._folder / self.config, self._turns.shards
        folder.mkdir(exist_ok=True)
        for number in range(shards):
            part = f"-{number:05d}-of-{shards:05d}" if shards > 1 else ""
            self._names.append(f"{self.config}/{self.split}{part}{SUFFIX[self._compress]}")
            self._shards.append(Shard(self._folder / self._names[-1], self._compress))

    def finish(self) -> list[Stored]:
        """Close the shards. Empty ones are left out: a loader refuses a file without rows."""
        stored = []
        self.only_dates = bool(self.dates.columns)
        for name, shard in zip(self._names, self._shards, strict=True):
            size, digest = shard.close()
            if shard.rows == 0 or self.only_dates:
                (self._folder / name).unlink()
            else:
                stored.append(Stored(name, self.config, self.split, shard.rows, size, digest))
        if self.only_dates:
            self._remove_empty_folder()
        return stored

    def _remove_empty_folder(self) -> None:
        try:
            (self._folder / self.config).rmdir()
        except OSError:
            pass
