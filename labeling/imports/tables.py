"""Records out of CSV: a header, then a row for each record. A row that cannot be read costs no other."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator

from labeling.imports.records import Found

MAX_CELL = 4 << 20  # characters
TOLD_BY = frozenset({"prompt", "instruction", "question", "context", "chosen"})  # columns that tell a table
ALONE = frozenset({"prompt", "instruction", "question"})  # of these, what is a table without any other column
NONE = "\x1f"  # separates nothing: a table of one column has commas within its texts


def looks_like_csv(head: bytes) -> bool:
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace").lower()
    names = {name.strip().strip('"') for name in first.replace(";", ",").replace("\t", ",").split(",")}
    return bool(names & (TOLD_BY if len(names) > 1 else ALONE))


def rows(source: io.BufferedReader) -> Iterator[Found]:
    """CSV with a header; comma, semicolon or tab."""
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape", newline="")
    csv.field_size_limit(MAX_CELL)
    header = text.readline()
    separator = max(",;\t", key=header.count)
    separator = separator if separator in header else NONE
    names = next(csv.reader([header], delimiter=separator), [])
    columns = [name.strip().lower() for name in names]
    for line, cells, problem in _rows(text, separator):
        if problem:
            yield Found(line, reason=f"The row is not CSV: {problem}.")
        elif not any(cells):
            continue
        elif len(cells) != len(columns):
            yield Found(line, reason=f"The row has {len(cells)} fields; the header names {len(columns)}.")
        elif any("\udc80" <= c <= "\udcff" for cell in cells if not cell.isascii() for c in cell):
            yield Found(line, reason="The row is not UTF-8.")
        else:
            yield Found(line, record=dict(zip(columns, cells, strict=True)))


def _rows(text: Iterator[str], separator: str) -> Iterator[tuple[int, list[str], str]]:
    """Rows with the lines that they begin on. A row that is not CSV, as after a quote that is never closed, costs its
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
