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
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import zstandard

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
SUFFIX = {"": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}
BLOCK = 1 << 18


def line(row: dict[str, Any]) -> str:
    """One row as text, without its line end."""
    text = _ENCODE(row)
    if not text.isascii() and ("\u2028" in text or "\u2029" in text or "\x85" in text):
        text = text.translate(_LINE_ENDS)
    return text


def encoder(columns: Mapping[str, Any]) -> Callable[[dict[str, Any]], str]:
    """As `line`, for rows of exactly these columns (a configuration's COLUMNS), several times as fast:
    the keys and their order are compiled into a function, and only values are encoded. Without columns it is `line`.

    Raises (the encoder): KeyError for a missing column, ValueError for a number that is no JSON.
    """
    if not columns:
        return line
    scope: dict[str, Any] = {"text": orjson.dumps, "name": cache(_text), "number": cache(_number), "json": _ENCODE}
    body: list[str] = []
    body.append(f"    return {_object(columns, 'row', body)}")
    exec("\n".join(["def encode(row):", *body]), scope)
    plain: Callable[[dict[str, Any]], str] = scope["encode"]

    def encode(row: dict[str, Any]) -> str:
        encoded = plain(row)
        if not encoded.isascii() and ("\u2028" in encoded or "\u2029" in encoded or "\x85" in encoded):
            encoded = encoded.translate(_LINE_ENDS)
        return encoded

    return encode


def _object(columns: Mapping[str, Any], source: str, body: list[str], depth: int = 1) -> str:
    """An expression for the object `source`. Statements that have to come before it go to `body`."""
    parts = [
        f'"{column}": {{{_value(kind, f"{source}[{column!r}]", body, depth)}}}' for column, kind in columns.items()
    ]
    return "f'{{" + ", ".join(parts) + "}}'"


_QUICK = {
    "token": "f'\"{v}\"'",
    "name": "name(v)",
    "string": "text(v).decode()",
    "bool": "'true' if v else 'false'",
    "int64": "str(v)",
    "float64": "number(v)",
}


def _value(kind: Any, source: str, body: list[str], depth: int) -> str:
    """The variable that holds the encoded value."""
    indent, made = "    " * depth, f"v{len(body)}"
    if isinstance(kind, list) and isinstance(kind[0], dict):
        item = f"item{depth}"
        body += [f"{indent}{made} = []", f"{indent}for {item} in {source}:"]
        encoded = _object(kind[0], item, body, depth + 1)
        body += [f"{indent}    {made}.append({encoded})", f"{indent}{made} = '[' + ', '.join({made}) + ']'"]
    else:
        encoded = _QUICK[kind] if isinstance(kind, str) else "json(v) if v else '[]'"
        body += [f"{indent}v = {source}", f"{indent}{made} = 'null' if v is None else {encoded}"]
    return made


def dtype(kind: str) -> str:
    """The type of a column as loaders name it. A `token` is a string without anything to escape (an id, an
    instant), a `name` one of few strings."""
    return "string" if kind in ("token", "name") else kind


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    return repr(float(value))


@dataclass(frozen=True)
class Stored:
    """A finished file, as the manifest lists it."""

    path: str
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str


class _Hashed(io.RawIOBase):
    """A file that hashes and counts what it is given."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb", buffering=0)
        self.sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        written = 0
        while written < len(view):
            written += self._file.write(view[written:])
        self.sha256.update(view)
        self.size += written
        return written

    def close(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()


def _packed(raw: Any, compress: str) -> Any:
    if compress == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
    if compress == "zstd":
        return zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False)
    return raw


class Shard:
    """One file being written."""

    def __init__(self, path: Path, compress: str) -> None:
        self._raw = _Hashed(path)
        self._out = _packed(self._raw, compress)
        self._lines: list[str] = []
        self._pending = 0
        self.rows = 0

    def write(self, text: str) -> None:
        self._lines.append(text)
        self._pending += len(text)
        self.rows += 1
        if self._pending >= BLOCK:
            self._flush()

    def write_block(self, rows: int, data: bytes) -> None:
        """Write lines that are encoded already."""
        self._flush()
        self._out.write(data)
        self.rows += rows

    def _flush(self) -> None:
        if self._lines:
            self._lines.append("")
            self._out.write("\n".join(self._lines).encode())
            self._lines = []
            self._pending = 0

    def close(self) -> tuple[int, str]:
        """Flush to the disk; size and SHA-256 of the bytes stored."""
        self._flush()
        if self._out is not self._raw:
            self._out.close()
        self._raw.close()
        return self._raw.size, self._raw.sha256.hexdigest()


def texts(value: Any) -> list[str]:
    """Texts of message lists: the only free texts that a loader may take for dates."""
    if isinstance(value, str):
        return []
    if isinstance(value, dict):
        return [value["content"]] if "content" in value else [t for inner in value.values() for t in texts(inner)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []
