"""An import from file to report: the format found out, records parsed, doubles refused, batches stored."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO

from django.db import DataError

from labeling.importers._fields import kind_of
from labeling.importers.base import ID_KEYS, IMPORTERS, KINDS, Importer, Item, Options, Rejected, Transforms
from labeling.imports import storing
from labeling.imports.reading import records
from labeling.imports.records import Found, Parsed, Unreadable
from labeling.imports.reporting import Report
from labeling.imports.rows import Target
from labeling.models import Project

BATCH = 500
LOOKED_AT = 50  # records that tell the format

Progress = Callable[[int], None]


def detect(file: IO[bytes]) -> str:
    """The format of most of the first records, or "" for none that we know."""
    votes: Counter[str] = Counter()
    for found in islice(records(file), LOOKED_AT):
        if found.reason:
            continue
        name = next((name for name in IMPORTERS.choices() if IMPORTERS.load(name).matches(found.record)), "")
        votes.update([name] if name else [])
    file.seek(0)
    return votes.most_common(1)[0][0] if votes else ""


def preview(
    *, project: Project, format: str, file: IO[bytes], kind: str = "", options: Options | None = None, samples: int = 5
) -> Report:
    """As `run`, with nothing stored: counts, transforms and the first records before and after."""
    return run(project=project, format=format, file=file, kind=kind, options=options, dry_run=True, samples=samples)


def run(
    *,
    project: Project,
    format: str,
    file: IO[bytes],
    source: str = "",
    kind: str = "",
    options: Options | None = None,
    dry_run: bool = False,
    samples: int = 0,
    progress: Progress = lambda rows: None,
) -> Report:
    """Import every record of `file`, which is open for reading bytes and can seek.

    `format` is a file of labeling/importers, or "" to detect it; `kind` is prompts, demonstrations or
    comparisons, or "" for what each record naturally is.

    Raises:
        UnknownPlugin: no such format. Unreadable: no known kind of file, or no known format.
    """
    if kind and kind not in KINDS:
        raise Unreadable(f"{kind!r} is not one of {', '.join(KINDS)}.")
    format = format or detect(file)
    if not format:
        known = ", ".join(IMPORTERS.choices())
        raise Unreadable(f"The records are in no format known here, which are {known}. {_first(file)}")
    importer = IMPORTERS.load(format)
    report = Report(format=format, source=source or format)
    target = Target(project, report.source, f"{format}/{importer.version}", dry_run)
    parsed = _Parser(importer, options or Options(), report).parsed(records(file), kind)
    while batch := list(islice(parsed, BATCH)):
        report.show(batch, samples)
        _store(target, batch, report)
        progress(report.rows)
    progress(report.rows)
    return report


def _first(file: IO[bytes]) -> str:
    """What the first record of a file looks like, for whoever wonders why it is not known."""
    first = next(records(file), None)
    if first is None:
        return "There is no record in the file."
    if first.reason:
        return f"Line {first.line}: {first.reason}"
    if not isinstance(first.record, dict):
        return f"The first record is {kind_of(first.record)}."
    names = ", ".join(str(name)[:40] for name in islice(first.record, 12))
    return f"The first record has the fields {names}." if names else "The first record is empty."


def _store(target: Target, batch: Sequence[Parsed], report: Report) -> None:
    """One transaction; where the database refuses it, one for each record."""
    try:
        made = storing.store(target, batch)
    except DataError as error:
        if len(batch) == 1:
            report.reject(batch[0].line, f"PostgreSQL cannot store it: {str(error).splitlines()[0]}.")
            return
        for parsed in batch:
            _store(target, [parsed], report)
    else:
        report.count(batch, made)


class _Parser:
    """Makes items of records; remembers which ids and contents the file had, so that doubles are refused."""

    def __init__(self, importer: Importer, options: Options, report: Report) -> None:
        self._importer, self._options, self._report = importer, options, report
        self._ids: dict[bytes, int] = {}  # digest of a record's id to its line
        self._contents: dict[bytes, int] = {}  # digest of a record's content to its line

    def parsed(self, found: Iterator[Found], kind: str) -> Iterator[Parsed]:
        """The records that can be stored; the others are counted with their reasons."""
        for one in found:
            self._report.rows += 1
            if one.reason:
                self._report.reject(one.line, one.reason)
                continue
            transforms = Transforms(self._options)
            try:
                self._refuse_known_id(one)
                items = self._importer.parse(one.record, kind, transforms)
                self._refuse_double(one, items)
            except Rejected as refusal:
                self._report.reject(one.line, str(refusal))
            except RecursionError:
                self._report.reject(one.line, "The record is nested too deeply.")
            else:
                yield Parsed(one.line, one.record, items, transforms.names)

    def _refuse_known_id(self, found: Found) -> None:
        if not isinstance(found.record, dict):
            return
        given = next((found.record[key] for key in ID_KEYS if key in found.record), None)
        if isinstance(given, str | int) and given != "":
            first = self._ids.setdefault(_digest(repr(given)), found.line)
            if first != found.line:
                raise Rejected(f"The id {str(given)[:80]!r} was on line {first} already.")

    def _refuse_double(self, found: Found, items: list[Item]) -> None:
        packed = json.dumps([item.content() for item in items], sort_keys=True)
        first = self._contents.setdefault(_digest(packed), found.line)
        if first != found.line:
            raise Rejected(f"The record says the same as line {first}.")


def _digest(text: str) -> bytes:
    """Eight bytes a record: a file of ten million records fits into memory."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
