"""An import from file to report: the format found out, records parsed, batches stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import IO

from django.db import DataError

from labeling.importers._fields import kind_of
from labeling.importers.base import IMPORTERS, KINDS, Options
from labeling.imports import storing
from labeling.imports.parsing import Parser
from labeling.imports.reading import records
from labeling.imports.records import Parsed, Unreadable
from labeling.imports.reporting import Report
from labeling.imports.rows import Target
from labeling.models import Project
from labeling.prompt_lengths import room_of
from sampler import control_tokens

BATCH = 500
LOOKED_AT = 50  # records that tell the format
PROMPTS_ARE = "Prompts come as a table (CSV) with a column named prompt, or as a text file with one a line."

Progress = Callable[[int], None]


def detect(file: IO[bytes], encoding: str = "") -> str:
    """The format of most of the first records, or "" for none that we know."""
    votes: Counter[str] = Counter()
    for found in islice(records(file, encoding), LOOKED_AT):
        if not found.reason:
            names = [name for name in IMPORTERS.choices() if IMPORTERS.load(name).matches(found.record)]
            votes.update(names[:1])
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
    encoding: str = "",
    options: Options | None = None,
    dry_run: bool = False,
    samples: int = 0,
    progress: Progress = lambda rows: None,
) -> Report:
    """Import every record of `file`, which is open for reading bytes and can seek.

    `format` is a file of labeling/importers, or "" to detect it; `kind` is prompts, demonstrations or
    comparisons, or "" for what each record naturally is; `encoding` is UTF-8 unless it is named.

    Raises:
        UnknownPlugin: no such format. Unreadable: no known kind of file, or no known format.
    """
    if kind and kind not in KINDS:
        raise Unreadable(f"{kind!r} is not one of {', '.join(KINDS)}.")
    format = format or detect(file, encoding)
    if not format:
        raise Unreadable(f"The records are in no format known here. {_first(file, encoding)} {PROMPTS_ARE}")
    importer = IMPORTERS.load(format)
    report = Report(format=format, source=source or format)
    target = Target(project, report.source, f"{format}/{importer.version}", dry_run)
    parser = Parser(importer, options or Options(), report, control_tokens.known(), room_of(project))
    parsed = parser.parsed(records(file, encoding), kind)
    while batch := list(islice(parsed, BATCH)):
        report.show(batch, samples)
        _store(target, batch, report)
        progress(report.rows)
    progress(report.rows)
    return report


def _first(file: IO[bytes], encoding: str) -> str:
    """What the first record of a file looks like, for whoever wonders why it is not known."""
    first = next(records(file, encoding), None)
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
    except (DataError, UnicodeEncodeError, RecursionError) as error:
        if len(batch) == 1:
            report.reject(batch[0].lines, f"PostgreSQL cannot store it: {str(error).splitlines()[0]}.")
            return
        for parsed in batch:
            _store(target, [parsed], report)
    else:
        report.count(batch, made)
