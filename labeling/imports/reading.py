"""Records out of a file, one at a time, each with its line: JSON Lines, JSON arrays and objects (`values.py`), CSV
(`tables.py`) or a text of prompts (`plain.py`), plain or gzipped. A line that cannot be read is handed on as a refusal
and loses no other."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO

from labeling.imports import plain, tables, values
from labeling.imports.bytestreams import BLOCK, Gunzip, Plain, Recoded
from labeling.imports.records import Found, Unreadable

MAX_LINE = 32 << 20  # bytes; a longer line is not a record of a dialogue
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "a zip archive (perhaps a spreadsheet)", "unpack it and import the files in it"),
    (b"PAR1", "a Parquet file", "write it as JSON Lines, e.g. with pandas: read_parquet(…).to_json(…, lines=True)"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it with: zstd -d"),
    (b"\xfd7zXZ\x00", "packed with xz", "unpack it with: xz -d"),
    (b"BZh", "packed with bzip2", "unpack it with: bzip2 -d"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and import the files in it"),
    (b"ARROW1", "an Arrow file", "write it as JSON Lines"),
    (b"SQLite format 3", "an SQLite database", "write the table as CSV"),
    (b"%PDF-", "a PDF", "import the records that it was made from"),
)
_ARROW_STREAM = b"\xff\xff\xff\xff"


def records(file: IO[bytes], encoding: str = "") -> Iterator[Found]:
    """Every record of `file`, which is in `encoding`, or as its byte order mark says, or in UTF-8.

    Raises:
        Unreadable: no known kind of file, or no known encoding.
    """
    source = _unpacked(file)
    head = source.peek(BLOCK)[:BLOCK]
    _refuse_other(head)
    encoding = _encoding(head, encoding)
    if encoding != "utf-8":
        source = io.BufferedReader(Recoded(source, encoding), BLOCK)
        head = source.peek(BLOCK)[:BLOCK]
    if head.startswith(codecs.BOM_UTF8):
        source.read(len(codecs.BOM_UTF8))
        head = head[len(codecs.BOM_UTF8) :]
    start = head.lstrip()[:1]
    if not start:
        return
    if start == b"[" or values.is_indented(head):
        yield from values.values(source, encoding)
    elif start != b"{" and tables.looks_like_csv(head):
        yield from tables.rows(source)
    elif plain.looks_like_text(head):
        yield from plain.prompts(source, head)
    else:
        yield from _lines(source, encoding)


def _unpacked(file: IO[bytes]) -> io.BufferedReader:
    head = file.read(2)
    file.seek(0)
    if head == b"\x1f\x8b":
        return io.BufferedReader(Gunzip(file), BLOCK)
    return io.BufferedReader(Plain(file), BLOCK)


def _refuse_other(head: bytes) -> None:
    for mark, what, hint in _OTHER_FILES:
        if head.startswith(mark):
            raise Unreadable(f"The file is {what}, not text: {hint}.")
    if head[257:262] == b"ustar":
        raise Unreadable("The file is a tar archive, not text: unpack it and import the files in it.")
    if head.startswith(_ARROW_STREAM):
        raise Unreadable("The file is an Arrow stream, not text: write it as JSON Lines.")


def _encoding(head: bytes, named: str) -> str:
    """The encoding's usual name."""
    if not named:
        return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    try:
        found = codecs.lookup(named)
        found.incrementaldecoder().decode(b"", final=True)
        text = "a".encode(named)
    except (LookupError, TypeError, ValueError, AssertionError):
        raise Unreadable(f"{named[:40]!r} is not the name of an encoding, such as utf-16 or windows-1252.") from None
    if not isinstance(text, bytes) or not found._is_text_encoding:
        raise Unreadable(f"{named[:40]!r} is not an encoding of text.")
    return found.name


def _lines(source: io.BufferedReader, encoding: str) -> Iterator[Found]:
    """JSON Lines, split at LF only: other line ends may stand inside a text."""
    number = 0
    while data := source.readline(MAX_LINE):
        number += 1
        if len(data) >= MAX_LINE and not data.endswith(b"\n"):
            while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield Found(number, reason=f"The line is over {MAX_LINE >> 20} MB long.")
        elif data.strip():
            yield _parsed(number, data, encoding)


def _parsed(number: int, data: bytes, encoding: str) -> Found:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return Found(number, reason=f"The line is not {encoding.upper()} (byte {error.start + 1}).")
    return values.parsed(number, text, "line")
