"""Sorting and joining more than fits in memory, without asking PostgreSQL for random reads.

Rows ordered by a random key are spread over the whole table, so that reading them in that order
costs one disk read each. Instead every table is read once, front to back, by COPY; what belongs to
one key is spooled into a bucket by the key's first byte; and then bucket after bucket is read back,
joined and sorted in memory. Memory is that of one bucket.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

BUCKETS = 256  # by the first byte of the key: in the order of the keys
HELD = 12 << 20  # bytes kept before they go to the disk
_HEADER = b"PGCOPY\n\xff\r\n\x00"
_HEADER_SIZE = 19
# A row: 2 bytes of count (2 or 3), then each field after 4 bytes of its length: key, JSON, perhaps a text.
_KEY_AT, _DATA_AT = 6, 26
_LENGTH = struct.Struct(">i")

Group = Callable[[], list[list[Any]]]


class Spool:
    """Rows of (uuid, JSON array[, text]) in buckets on the disk. A file-like target of `COPY … (FORMAT binary)`."""

    def __init__(self, folder: Path, beside: Path | None = None) -> None:
        """`beside` is where another process may spool rows of the same keys."""
        folder.mkdir()
        self.folder, self.beside = folder, beside
        self._held: list[list[bytes]] = [[] for _ in range(BUCKETS)]
        self._size = 0
        self.keys = 0  # as many as there are, when it is known

    def write(self, data: bytes) -> int:
        """Take one row as COPY sends it."""
        if len(data) < _DATA_AT:
            return len(data)  # the trailer
        row = data[_HEADER_SIZE:] if data.startswith(_HEADER) else data
        if len(row) >= _DATA_AT:
            self._held[row[_KEY_AT]].append(row)
            self._size += len(row)
            if self._size >= HELD:
                self._spill()
        return len(data)

    def _spill(self) -> None:
        for number, rows in enumerate(self._held):
            if rows:
                with (self.folder / f"{number:02x}").open("ab") as file:
                    file.write(b"".join(rows))
                rows.clear()
        self._size = 0

    def flush(self) -> None:
        """Put everything on the disk, for other processes to read."""
        self._spill()

    def groups(self) -> Iterator[list[list[Any]]]:
        """The rows of each key as parsed arrays, a text appended to its own; keys in ascending order."""
        for number, held in enumerate(self._held):
            data = b"".join([*_read(number, self.folder, self.beside), *held])
            held.clear()
            for parsed in _grouped(data):
                yield parsed()


def groups(*folders: Path | None) -> Iterator[Group]:
    """As `Spool.groups`, of what was flushed, each group to be parsed when it is called: several processes
    read the same folders and parse some each."""
    for number in range(BUCKETS):
        yield from _grouped(b"".join(_read(number, *folders)))


def _read(number: int, *folders: Path | None) -> list[bytes]:
    paths = [folder / f"{number:02x}" for folder in folders if folder is not None]
    return [path.read_bytes() for path in paths if path.exists()]


def _grouped(data: bytes) -> Iterator[Group]:
    found: dict[bytes, list[int]] = {}
    at, end, unpack = 0, len(data), _LENGTH.unpack_from
    while at < end:
        key = data[at + _KEY_AT : at + _KEY_AT + 16]
        if key in found:
            found[key].append(at)
        else:
            found[key] = [at]
        fields = data[at + 1]
        at += _DATA_AT + unpack(data, at + _DATA_AT - 4)[0]
        if fields == 3:
            at += 4 + unpack(data, at)[0]
    for key in sorted(found):
        yield partial(_parsed, data, found[key])


def _parsed(data: bytes, places: list[int]) -> list[list[Any]]:
    group, unpack = [], _LENGTH.unpack_from
    for at in places:
        stop = at + _DATA_AT + unpack(data, at + _DATA_AT - 4)[0]
        row = orjson.loads(data[at + _DATA_AT : stop])
        if data[at + 1] == 3:
            row.append(data[stop + 4 : stop + 4 + unpack(data, stop)[0]].decode())
        group.append(row)
    return group
