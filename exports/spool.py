"""Sorting and joining more than fits in memory, without asking PostgreSQL for random reads.

Rows ordered by a random key are spread over the whole table, so that reading them in that order
costs one disk read each. Instead every table is read once, front to back, by COPY; what belongs to
one key is spooled into a bucket by the key's first byte; and then bucket after bucket is read back,
joined and sorted in memory. Memory is that of one bucket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

BUCKETS = 256  # by the first byte of the key: in the order of the keys
HELD = 24 << 20  # bytes kept before they go to the disk
_HEADER = b"PGCOPY\n\xff\r\n\x00"
_HEADER_SIZE = 19
_KEY_AT, _DATA_AT = 6, 26  # two fields: 2 bytes of count, 4 of length, the key, 4 of length, the JSON
_LENGTH = struct.Struct(">i")


class Spool:
    """Rows of (uuid, JSON array) in buckets on the disk. A file-like target of `COPY … (FORMAT binary)`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._held: list[list[bytes]] = [[] for _ in range(BUCKETS)]
        self._size = 0
        self.rows = 0

    def write(self, data: bytes) -> int:
        """Take one row as COPY sends it."""
        if len(data) < _DATA_AT:
            return len(data)  # the trailer
        row = data[_HEADER_SIZE:] if data.startswith(_HEADER) else data
        if len(row) >= _DATA_AT:
            self._held[row[_KEY_AT]].append(row)
            self._size += len(row)
            self.rows += 1
            if self._size >= HELD:
                self._spill()
        return len(data)

    def _spill(self) -> None:
        for number, rows in enumerate(self._held):
            if rows:
                with (self._folder / f"{number:02x}").open("ab") as file:
                    file.write(b"".join(rows))
                rows.clear()
        self._size = 0

    def groups(self) -> Iterator[list[list[Any]]]:
        """The rows of each key as parsed arrays, key after key in ascending order, rows as they came."""
        for number, held in enumerate(self._held):
            path = self._folder / f"{number:02x}"
            data = b"".join(held)
            held.clear()
            if path.exists():
                data = path.read_bytes() + data
                path.unlink()
            yield from _grouped(data)


def _grouped(data: bytes) -> Iterator[list[list[Any]]]:
    found: dict[bytes, list[tuple[int, int]]] = {}
    at, end, unpack = 0, len(data), _LENGTH.unpack_from
    while at < end:
        start = at + _DATA_AT
        stop = start + unpack(data, start - 4)[0]
        key = data[at + _KEY_AT : at + _KEY_AT + 16]
        if key in found:
            found[key].append((start, stop))
        else:
            found[key] = [(start, stop)]
        at = stop
    view = memoryview(data)
    for key in sorted(found):
        yield [orjson.loads(view[start:stop]) for start, stop in found[key]]
