"""Records out of a text of prompts: one a line, or, where a line holds only `---`, one between two such lines."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from labeling.imports.records import Found

SEPARATOR = "---"
MAX_PROMPT = 1 << 20  # characters


def looks_like_text(head: bytes) -> bool:
    """Whether people wrote it for people: UTF-8 without control characters, and not a line that begins as JSON."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    if any(character < " " and character not in "\t\r\n" for character in text):
        return False
    return not any(line.lstrip()[:1] in ("{", "[", '"') for line in text.splitlines())


def prompts(source: io.BufferedReader, head: bytes) -> Iterator[Found]:
    """What is between separators, if the beginning of the file has one; else every line."""
    lines = _lines(source)
    separated = any(line.strip() == SEPARATOR.encode() for line in head.splitlines())
    if separated:
        yield from _between(lines)
    else:
        for number, text in lines:
            yield from _said(number, text)


def _lines(source: io.BufferedReader) -> Iterator[tuple[int, str]]:
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline=None)
    number, whole = 0, True
    while line := text.readline(MAX_PROMPT):
        number += whole
        whole = line.endswith("\n")
        yield number, line


def _between(lines: Iterator[tuple[int, str]]) -> Iterator[Found]:
    taken: list[str] = []
    begins = 1
    for number, line in lines:
        if line.strip() == SEPARATOR:
            yield from _said(begins, "".join(taken))
            taken, begins = [], number + 1
        elif sum(map(len, taken)) < MAX_PROMPT:
            taken.append(line)
    yield from _said(begins, "".join(taken))


def _said(number: int, text: str) -> Iterator[Found]:
    """Nothing of what is blank."""
    if text.strip():
        yield _found(number, text)


def _found(number: int, text: str) -> Found:
    if not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text):
        return Found(number, reason="The line is not UTF-8.")
    if len(text) >= MAX_PROMPT:
        return Found(number, reason=f"The prompt is over {MAX_PROMPT:,} characters long.")
    return Found(number, record={"prompt": text.strip()})
