"""Records out of a file, one at a time, each with its line: JSON Lines, a JSON array or CSV (`tables.py`), plain or
gzipped. A line that cannot be read is handed on as a refusal and loses no other."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, NoReturn

from common import limits
from labeling.imports import tables
from labeling.imports.records import Found, Unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_LINE = 32 << 20  # bytes; a longer line is not a record of a dialogue
_BLOCK = 1 << 16


def records(file: IO[bytes]) -> Iterator[Found]:
    """Every record of `file`.

    Raises:
        Unreadable: no known kind of file.
    """
    source = _unpacked(file)
    head = source.peek(_BLOCK)[:_BLOCK]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file is UTF-16; it has to be UTF-8.")
    if head.startswith(b"\xef\xbb\xbf"):
        source.read(3)
        head = head[3:]
    start = head.lstrip()[:1]
    if not start:
        return
    if start == b"[":
        yield from _array(source)
    elif start in (b"{", b'"'):
        yield from _lines(source)
    elif tables.looks_like_csv(head):
        yield from tables.rows(source)
    else:
        yield from _lines(source)


def _unpacked(file: IO[bytes]) -> io.BufferedReader:
    head = file.read(2)
    file.seek(0)
    if head == b"\x1f\x8b":
        return io.BufferedReader(_Gunzip(file))
    return io.BufferedReader(_Plain(file))


class _Plain(io.RawIOBase):
    """Any binary file object as a raw one, so that it can be buffered and peeked into."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._source = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read(len(view))
        view[: len(data)] = data
        return len(data)


class _Gunzip(_Plain):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(gzip.GzipFile(fileobj=file))
        self._packed = file
        self._unpacked = 0

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            read = super().readinto(buffer)
        except (OSError, EOFError) as error:
            raise Unreadable(f"The gzip file is damaged: {error}.") from None
        self._unpacked += read
        try:
            limits.check_growth(packed=self._packed.tell(), unpacked=self._unpacked)
        except limits.TooLarge as error:
            raise Unreadable(str(error)) from None
        return read


def _lines(source: io.BufferedReader) -> Iterator[Found]:
    """JSON Lines, split at LF only: other line ends may stand inside a text."""
    number = 0
    while data := source.readline(MAX_LINE):
        number += 1
        if len(data) >= MAX_LINE and not data.endswith(b"\n"):
            while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield Found(number, reason=f"The line is over {MAX_LINE >> 20} MB long.")
        elif data.strip():
            yield _parsed(number, data)


def _parsed(number: int, data: bytes) -> Found:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return Found(number, reason=f"The line is not UTF-8 (byte {error.start + 1}).")
    try:
        return Found(number, record=json.loads(text, parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        return Found(number, reason=f"The line is not JSON: {error.msg} at character {error.colno}.")
    except (ValueError, RecursionError) as error:
        return Found(number, reason=f"The line is not JSON: {error}.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _array(source: io.BufferedReader) -> Iterator[Found]:
    """A JSON array, record by record: only the one being read is held."""
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    held = text.read(_BLOCK).lstrip()[1:]
    number = 0
    while True:
        held = held.lstrip(" \t\r\n,") or text.read(_BLOCK)
        if not held:
            yield Found(number + 1, reason="The array is not closed: the file is cut off.")
            return
        if held[0] in " \t\r\n,":
            continue
        if held[0] == "]":
            return
        try:
            record, end = decoder.raw_decode(held)
        except (ValueError, RecursionError) as error:
            block = text.read(max(_BLOCK, len(held)))
            if block and len(held) < MAX_LINE:
                held += block
                continue
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            yield Found(number + 1, reason=f"The array cannot be read further: {reason}.")
            return
        # A number that ends where the block does may go on in the next one.
        if end == len(held) and not isinstance(record, dict | list | str) and (block := text.read(_BLOCK)):
            held += block
            continue
        number += 1
        held = held[end:]
        yield Found(number, record=record)
