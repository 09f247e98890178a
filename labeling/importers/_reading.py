"""Records out of a file, one at a time, each with its line: JSON Lines, a JSON array or CSV, plain or
gzipped. A line that cannot be read is handed on as a refusal and loses no other."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from common import limits
from labeling.importers.base import Rejected

MAX_LINE = 32 << 20  # bytes; a longer line is no record of a dialogue
MAX_CELL = 4 << 20  # characters of a CSV cell
_BLOCK = 1 << 16


class Unreadable(Exception):
    """The file as a whole cannot be read; the message is a sentence."""


@dataclass(frozen=True)
class Found:
    """A record, or why there is none, at a line of the file (records of an array count from 1)."""

    line: int
    record: Any = None
    reason: str = ""


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
    elif _looks_like_csv(head):
        yield from _table(source)
    else:
        yield from _lines(source)


def _unpacked(file: IO[bytes]) -> io.BufferedReader:
    head = file.read(2)
    file.seek(0)
    if head == b"\x1f\x8b":
        return io.BufferedReader(_Gunzip(file))  # type: ignore[type-var]
    return io.BufferedReader(_Plain(file))  # type: ignore[type-var]


class _Plain(io.RawIOBase):
    """Any binary file object as a raw one, so that it can be buffered and peeked into."""

    def __init__(self, file: Any) -> None:
        self._source = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Gunzip(_Plain):
    def __init__(self, file: Any) -> None:
        super().__init__(gzip.GzipFile(fileobj=file))
        self._packed = file
        self._unpacked = 0

    def readinto(self, buffer: Any) -> int:
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
        return Found(number, reason=f"The line is no JSON: {error.msg} at character {error.colno}.")
    except (ValueError, RecursionError) as error:
        return Found(number, reason=f"The line is no JSON: {error}.")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _array(source: io.BufferedReader) -> Iterator[Found]:
    """A JSON array, record by record: only the one being read is held."""
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    held = text.read(_BLOCK).lstrip()[1:]
    number = 0
    while True:
        held = held.lstrip(" \t\r\n,")
        if not held:
            block = text.read(_BLOCK)
            if not block:
                yield Found(number + 1, reason="The array is not closed: the file is cut off.")
                return
            held = block
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
        if end == len(held) and not isinstance(record, dict | list | str):
            block = text.read(_BLOCK)  # a number may go on
            if block:
                held += block
                continue
        number += 1
        held = held[end:]
        yield Found(number, record=record)


def _looks_like_csv(head: bytes) -> bool:
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace").lower()
    names = {name.strip().strip('"') for name in first.replace(";", ",").replace("\t", ",").split(",")}
    return len(names) > 1 and bool(names & {"prompt", "instruction", "question", "context", "chosen"})


def _table(source: io.BufferedReader) -> Iterator[Found]:
    """CSV with a header; comma, semicolon or tab."""
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
    csv.field_size_limit(MAX_CELL)
    header = text.readline()
    separator = max(",;\t", key=header.count)
    names = next(csv.reader([header], delimiter=separator), [])
    columns = [name.strip().lower() for name in names]
    for line, cells, problem in _rows(text, separator):
        if problem:
            yield Found(line, reason=f"The row is no CSV: {problem}.")
        elif not any(cells):
            continue
        elif len(cells) != len(columns):
            yield Found(line, reason=f"The row has {len(cells)} fields; the header names {len(columns)}.")
        elif any("\udc80" <= c <= "\udcff" for cell in cells if not cell.isascii() for c in cell):
            yield Found(line, reason="The row is not UTF-8.")
        else:
            yield Found(line, record=dict(zip(columns, cells, strict=True)))


def _rows(text: Iterator[str], separator: str) -> Iterator[tuple[int, list[str], str]]:
    """Rows with the lines that they begin on. A row that is none, as after a quote that is never closed, costs its
    first line: reading goes on with the next."""
    line, again = 2, deque[str]()
    while True:
        taken: list[str] = []
        try:
            cells = next(csv.reader(_noted(again, text, taken), delimiter=separator, strict=True), None)
        except csv.Error as error:
            yield line, [], str(error)
            again.extendleft(reversed(taken[1:]))
            line += 1
            continue
        if cells is None:
            return
        yield line, cells, ""
        line += len(taken)


def _noted(again: deque[str], text: Iterator[str], taken: list[str]) -> Iterator[str]:
    """Lines to read again, then those of the text; each is noted in `taken`."""
    while line := again.popleft() if again else next(text, ""):
        taken.append(line)
        yield line


__all__ = ["Found", "Rejected", "Unreadable", "records"]
