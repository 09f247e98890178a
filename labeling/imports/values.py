"""JSON values out of a stream: an array record by record, and objects one after another, indented or not. Only the
value being read is held. A value that cannot be read costs no other: its end is found by its brackets."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import NoReturn

from labeling.imports.bytestreams import BLOCK
from labeling.imports.records import Found

MAX_VALUE = 32 << 20  # characters
_BLANK = " \t\r\n"
# Whole texts and brackets; a text that is not closed ends the match.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]|,|"', re.DOTALL)


def is_indented(head: bytes) -> bool:
    """Whether the file begins with one object over several lines: the first line is not a record by itself, and the
    next is not the beginning of one."""
    lines = [line.strip() for line in head.lstrip().split(b"\n", 2)]
    return len(lines) > 1 and lines[0].endswith((b"{", b"[", b",")) and not lines[1].startswith(b"{")


def parsed(number: int, text: str, what: str) -> Found:
    """One record, or why it is none."""
    try:
        return Found(number, record=_DECODER.decode(text))
    except json.JSONDecodeError as error:
        return Found(number, reason=f"The {what} is not JSON: {error.msg} at character {error.pos + 1}.")
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Found(number, reason=f"The {what} is not JSON: {reason}.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


class _Stream:
    """Text of which the front is taken off."""

    def __init__(self, source: io.BufferedReader) -> None:
        self._text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
        self.held = self._text.read(BLOCK)
        self.is_cut = False  # in the middle of a value

    def more(self) -> bool:
        """Hold twice as much; false at the end of the file."""
        block = self._text.read(max(BLOCK, len(self.held)))
        self.held += block
        return bool(block)

    def skip(self, characters: str) -> str:
        """The first character that is none of these, left in place; empty at the end of the file."""
        while True:
            self.held = self.held.lstrip(characters)
            if self.held or not self.more():
                return self.held[:1]

    def rest(self) -> Iterator[str]:
        """Everything that was not taken, by lines."""
        yield from io.StringIO(self.held + self._text.readline())
        yield from self._text

    def take(self, end: int) -> str:
        taken, self.held = self.held[:end], self.held[end:]
        return taken


def values(source: io.BufferedReader, encoding: str) -> Iterator[Found]:
    """Every value of the file: those of the array that it begins with, and what stands after it."""
    stream, number = _Stream(source), 0
    in_array = stream.skip(_BLANK) == "["
    if in_array:
        stream.take(1)
    while True:
        start = stream.skip(_BLANK + "," if in_array else _BLANK)
        if not start:
            if in_array:
                yield Found(number + 1, reason="The array is not closed: the file is cut off.")
            return
        if in_array and start == "]":
            stream.take(1)
            in_array = False
            continue
        number += 1
        yield _value(stream, number, in_array, encoding)
        if stream.is_cut:
            yield from _lines(stream, number)
            return


def _value(stream: _Stream, number: int, in_array: bool, encoding: str) -> Found:
    """The value at the front, taken off; or why there is none, with everything taken off that belongs to it."""
    while True:
        try:
            record, end = _DECODER.raw_decode(stream.held)
        except (ValueError, RecursionError):
            end = _end(stream.held, in_array)
            if end < 0 and len(stream.held) < MAX_VALUE and stream.more():
                continue
            if end >= 0:
                return _refused(number, stream.take(end), encoding)
            stream.is_cut = True
            line = stream.held.find("\n")
            stream.take(line if line >= 0 else len(stream.held))
            return Found(number, reason="The value is not closed: what follows is read line by line.")
        # A number that ends where what is held does may go on after it.
        if end == len(stream.held) and not isinstance(record, dict | list | str) and stream.more():
            continue
        text = stream.take(end)
        if not text.isascii() and any("\udc80" <= c <= "\udcff" for c in text):
            return _refused(number, text, encoding)
        return Found(number, record=record)


def _lines(stream: _Stream, number: int) -> Iterator[Found]:
    """What follows a value without end: every line by itself."""
    for line in stream.rest():
        text = line.strip().rstrip(",")
        if text not in ("", "]"):
            number += 1
            yield parsed(number, text, "line")


def _refused(number: int, text: str, encoding: str) -> Found:
    if not text.isascii() and any("\udc80" <= c <= "\udcff" for c in text):
        return Found(number, reason=f"The record is not {encoding.upper()}.")
    found = parsed(number, text, "record")
    return found if found.reason else Found(number, reason="The record is not JSON.")


def _end(text: str, in_array: bool) -> int:
    """Where the value at the front ends by its brackets; -1 where that is further on. What is not in brackets ends
    at the next comma of the array, or with its line."""
    depth = 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign == '"':
            return -1
        if not depth and not in_array and (line := text.find("\n", 0, token.start())) >= 0:
            return line
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
            if depth < 0:
                return token.start() if in_array and sign == "]" and token.start() else token.end()
            if not depth:
                return token.end()
        elif sign == "," and not depth and in_array:
            return token.start()
    line = text.find("\n")
    return line if not depth and not in_array and line >= 0 else -1
