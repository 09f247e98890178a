"""JSON Lines: one encoding, compression, checksums of the bytes as stored.

The byte rules (docs/formats.md): `json.dumps(ensure_ascii=False, allow_nan=False)` in a fixed key
order, U+2028, U+2029 and U+0085 escaped, LF after every row, UTF-8 without a BOM, gzip without time
and name. Nothing here knows what a row means.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import zstandard

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
SUFFIX = {"": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}
BLOCK = 1 << 18


def line(row: Mapping[str, object]) -> str:
    """One row as text, without its line end."""
    text = _ENCODE(row)
    if not text.isascii() and ("\u2028" in text or "\u2029" in text or "\x85" in text):
        text = text.translate(_LINE_ENDS)
    return text


class _Hashed(io.RawIOBase):
    """A file that hashes and counts what it is given."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb", buffering=0)
        self.sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        written = self._file.write(data)
        self.sha256.update(memoryview(data)[:written])
        self.size += written
        return written

    def close(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()


class Shard:
    """One file being written."""

    def __init__(self, path: Path, compress: str) -> None:
        self._raw = _Hashed(path)
        self._out = io.BufferedWriter(self._raw, BLOCK)
        self._packed: gzip.GzipFile | zstandard.ZstdCompressionWriter | None = None
        if compress == "gzip":
            self._packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._out, mtime=0)
        elif compress == "zstd":
            self._packed = zstandard.ZstdCompressor(level=3).stream_writer(self._out, closefd=False)
        self._lines: list[str] = []
        self._pending = 0
        self.rows = 0

    def write(self, text: str) -> None:
        self._lines.append(text)
        self._pending += len(text)
        self.rows += 1
        if self._pending >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            data = "\n".join([*self._lines, ""]).encode()
            (self._packed or self._out).write(data)
            self._lines = []
            self._pending = 0

    def close(self) -> tuple[int, str]:
        """Flush to the disk; size and SHA-256 of the bytes stored."""
        self._flush()
        if self._packed is not None:
            self._packed.close()
        self._out.close()
        return self._raw.size, self._raw.sha256.hexdigest()
