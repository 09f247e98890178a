"""Sorting and joining more than fits in memory, without asking PostgreSQL for random reads.

Rows ordered by a random key are spread over the whole table, so that reading them in that order
costs one disk read each. Instead every table is read once, front to back, by COPY; its rows are
spooled into buckets by the first bits of their key; and then bucket after bucket is read back and
joined in memory. Memory is that of one bucket. What the columns mean is `exports/records.py`'s.

A table is one file: whatever was held is appended bucket by bucket, and a second file says where
each piece begins. A piece is the number of its rows, the length of each, and the rows as COPY sent
them: 2 bytes for the number of columns, then every column after 4 bytes of its length.
"""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

HELD = 8 << 20  # bytes kept before they go to the disk
WRITTEN = 1 << 20  # of these at a time
TOGETHER = 1_024  # rows made of a bucket, at about
MOST_BITS = 12
FIRST = 26  # where the value of the column after the key begins
_KEY = slice(6, 22)
_HEADER_SIZE = 19  # of a COPY
_NUMBER = array("I").itemsize
_PLACE = array("Q").itemsize

Group = list[list[bytes]]  # the rows of one key, by table


def bits_for(rows: int) -> int:
    """How many bits of the key tell the buckets apart where this many rows will be made of them all."""
    return min((rows // TOGETHER).bit_length(), MOST_BITS)


class Table:
    """Takes rows whose first column is the key, a uuid. A file-like target of `COPY … (FORMAT binary)`."""

    def __init__(self, path: Path, bits: int) -> None:
        self._file, self._index = path.open("xb", WRITTEN), _index_of(path).open("xb")
        self._shift = 16 - bits
        self._held: list[list[bytes]] = [[] for _ in range(1 << bits)]
        self._size = self._at = 0

    def write(self, data: bytes) -> int:
        """Take one row as COPY sends it."""
        if data[0]:  # the header, perhaps with the first row, or the trailer
            data = data[_HEADER_SIZE:]
            if len(data) < FIRST:
                return 0
        self._held[(data[6] << 8 | data[7]) >> self._shift].append(data)
        self._size += len(data)
        if self._size >= HELD:
            self._spill()
        return 0

    def _spill(self) -> None:
        places = array("Q", [self._at])
        for rows in self._held:
            piece = b"".join((array("I", [len(rows), *map(len, rows)]).tobytes(), *rows))
            self._file.write(piece)
            self._at += len(piece)
            rows.clear()
            places.append(self._at)
        self._index.write(places.tobytes())
        self._size = 0

    def close(self) -> None:
        """Put everything on the disk, for any process to read."""
        self._spill()
        self._file.close()
        self._index.close()


@dataclass(frozen=True)
class Spooled:
    """Tables that are complete, to be read by any process."""

    tables: tuple[Path, ...]
    bits: int

    def groups(self, place: int = 0, of: int = 1) -> Iterator[list[Group]]:
        """Bucket after bucket, keys in ascending order; with `of`, every `of`-th from the `place`-th on."""
        with ExitStack() as stack:
            files = [stack.enter_context(closing(_Reading(path, 1 << self.bits))) for path in self.tables]
            for bucket in range(place, 1 << self.bits, of):
                first, *others = [file.by_key(bucket) for file in files]
                yield [[first[key], *(rows.get(key, []) for rows in others)] for key in sorted(first)]


class _Reading:
    def __init__(self, path: Path, buckets: int) -> None:
        self._file, self._index = path.open("rb", buffering=0), _index_of(path).open("rb", buffering=0)
        self._spill_size = (buckets + 1) * _PLACE
        self._spills = os.fstat(self._index.fileno()).st_size // self._spill_size

    def close(self) -> None:
        self._file.close()
        self._index.close()

    def by_key(self, bucket: int) -> dict[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = defaultdict(list)
        for spill in range(self._spills):
            piece = self._piece(spill, bucket)
            (count,) = array("I", piece[:_NUMBER])
            at = (1 + count) * _NUMBER
            for length in array("I", piece[_NUMBER:at]):
                row = piece[at : at + length]
                found[row[_KEY]].append(row)
                at += length
        return found

    def _piece(self, spill: int, bucket: int) -> bytes:
        place = spill * self._spill_size + bucket * _PLACE
        begin, end = array("Q", os.pread(self._index.fileno(), 2 * _PLACE, place))
        return os.pread(self._file.fileno(), end - begin, begin)


def _index_of(path: Path) -> Path:
    return path.with_suffix(".index")
