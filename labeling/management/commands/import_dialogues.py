"""`manage.py import_dialogues PROJECT FORMAT FILE`: other people's data, as prompts, demonstrations or
comparisons. The last line of stdout is JSON with the counts."""

from __future__ import annotations

import json
import re
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from common import plugins
from labeling import imports
from labeling.errors import Invalid
from labeling.importers.base import IMPORTERS, KINDS, Options
from labeling.management.lookups import project_named
from labeling.models import Project
from labeling.named import check_named

AUTO = "auto"
SHOWN = 20  # refused lines on stderr; the JSON holds more
SAMPLES = 3  # records of a dry run that are shown before and after
EVERY = 2  # seconds between two lines of progress
# What a terminal obeys or hides instead of showing it: controls, and marks that turn or break a line.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _escaped(text: str) -> str:
    """`text` as it is safe on a terminal; JSON stays JSON."""
    return _OBEYED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


class Command(BaseCommand):
    help = "Import a JSON Lines, JSON or CSV file, plain or gzipped (docs/formats.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("format", help=f"{', '.join(IMPORTERS.choices())}, or {AUTO} to detect it")
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="name of the data, for mixing; default the file's name")
        parser.add_argument("--as", dest="kind", choices=KINDS, default="", help="default: what each record is")
        parser.add_argument("--encoding", default="", help="of FILE, such as utf-16 or windows-1252; default UTF-8")
        parser.add_argument(
            "--split-turns", action="store_true", help="prompts that are whole transcripts become turns"
        )
        parser.add_argument("--keep-preamble", action="store_true", help="Alpaca's preamble becomes the system message")
        parser.add_argument("--dry-run", action="store_true", help="count and show, store nothing")
        parser.add_argument("--revert", action="store_true", help="take the import of --source back instead")

    def handle(
        self,
        *,
        project: str,
        format: str,
        file: Path,
        source: str,
        kind: str,
        encoding: str,
        split_turns: bool,
        keep_preamble: bool,
        dry_run: bool,
        revert: bool,
        **options: object,
    ) -> None:
        found = project_named(project)
        source = source or file.name.split(".")[0]
        if revert:
            self._check(found, source)
            self.stdout.write(json.dumps(imports.revert(project=found, source=source)))
            return
        chosen = Options(split_turns=split_turns, keep_preamble=keep_preamble)
        report = self._run(found, "" if format == AUTO else format, file, source[:120], kind, encoding, chosen, dry_run)
        self._tell(report)
        self.stdout.write(_escaped(json.dumps(report.to_dict(), ensure_ascii=False)))

    def _check(self, project: Project, source: str) -> None:
        try:
            check_named(project, sources=[source])
        except Invalid as error:
            raise CommandError(_escaped(str(error))) from None

    def _run(
        self,
        project: Project,
        format: str,
        path: Path,
        source: str,
        kind: str,
        encoding: str,
        options: Options,
        dry_run: bool,
    ) -> imports.Report:
        try:
            with path.open("rb") as file:
                return imports.run(
                    project=project, format=format, file=file, source=source, kind=kind, encoding=encoding,
                    options=options, dry_run=dry_run, samples=SAMPLES if dry_run else 0, progress=self._progress(),
                )  # fmt: skip
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (plugins.UnknownPlugin, imports.Unreadable) as error:
            raise CommandError(_escaped(str(error))) from None

    def _tell(self, report: imports.Report) -> None:
        for sample in report.samples:
            before, after = (json.dumps(sample[side], ensure_ascii=False)[:500] for side in ("before", "after"))
            self.stdout.write(_escaped(f"line {sample['line']}, before: {before}"))
            self.stdout.write(_escaped(f"  transforms: {'; '.join(sample['transforms']) or 'none'}"))
            self.stdout.write(_escaped(f"  after: {after}"))
        for name, count in report.transforms.most_common():
            self.stdout.write(_escaped(f"{count:,} × {name}"))
        for name, count in report.unused.most_common():
            self.stdout.write(_escaped(f"not used: {name} in {count:,} records"))
        for error in report.errors[:SHOWN]:
            self.stderr.write(_escaped(f"line {error['line']}: {error['reason']}"))
        if report.rejected > SHOWN:
            self.stderr.write(f"… and {report.rejected - SHOWN:,} more")

    def _progress(self) -> Callable[[int], None]:
        """A line on stderr every two seconds."""
        began = last = time.monotonic()

        def tell(rows: int) -> None:
            nonlocal last
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                self.stderr.write(f"{rows:,} records in {last - began:.0f} s")

        return tell
