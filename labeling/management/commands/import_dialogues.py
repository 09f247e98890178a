"""`manage.py import_dialogues PROJECT FORMAT FILE`: other people's data, as prompts, demonstrations or
comparisons. The last line of stdout is JSON with the counts."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import plugins
from labeling import imports
from labeling.importers.base import KINDS, Asked
from labeling.models import Project

AUTO = "auto"


class Command(BaseCommand):
    help = "Import a JSON Lines, JSON or CSV file, plain or gzipped (docs/formats.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ", ".join(plugins.choices(imports.IMPORTERS))
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("format", help=f"{names}, or {AUTO} to detect it")
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="name of the data, for mixing; default the file's name")
        parser.add_argument("--as", dest="kind", choices=KINDS, default="", help="default: what each record is")
        parser.add_argument(
            "--split-turns", action="store_true", help="prompts that are whole transcripts become turns"
        )
        parser.add_argument("--keep-preamble", action="store_true", help="Alpaca's preamble becomes the system message")
        parser.add_argument("--dry-run", action="store_true", help="count and show, store nothing")
        parser.add_argument("--revert", action="store_true", help="take the import of --source back instead")

    def handle(self, *args: Any, **given: Any) -> None:
        project = Project.objects.filter(slug=given["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {given['project']!r}.")
        source = given["source"] or given["file"].name.split(".")[0]
        if given["revert"]:
            self.stdout.write(json.dumps(imports.revert(project=project, source=source)))
            return
        try:
            with given["file"].open("rb") as file:
                report = imports.run(
                    project=project,
                    format="" if given["format"] == AUTO else given["format"],
                    file=file,
                    source=source[:120],
                    kind=given["kind"],
                    asked=Asked(split_turns=given["split_turns"], keep_preamble=given["keep_preamble"]),
                    dry_run=given["dry_run"],
                    samples=3 if given["dry_run"] else 0,
                    progress=self._progress(),
                )
        except OSError as error:
            raise CommandError(f"{given['file']} cannot be read: {error.strerror or error}.") from None
        except (plugins.UnknownPlugin, imports.Unreadable) as error:
            raise CommandError(str(error)) from None
        self._tell(report)
        self.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False))

    def _tell(self, report: imports.Report) -> None:
        for sample in report.samples:
            self.stdout.write(
                f"line {sample['line']}, before: {json.dumps(sample['before'], ensure_ascii=False)[:500]}"
            )
            self.stdout.write(f"  transforms: {'; '.join(sample['transforms']) or 'none'}")
            self.stdout.write(f"  after: {json.dumps(sample['after'], ensure_ascii=False)[:500]}")
        for name, count in report.steps.most_common():
            self.stdout.write(f"{count:,} × {name}")
        for error in report.errors[:20]:
            self.stderr.write(f"line {error['line']}: {error['reason']}")
        if report.rejected > 20:
            self.stderr.write(f"… and {report.rejected - 20:,} more")

    def _progress(self) -> Any:
        """A line on stderr every two seconds."""
        began = last = time.monotonic()

        def tell(rows: int) -> None:
            nonlocal last
            if time.monotonic() - last >= 2:
                last = time.monotonic()
                self.stderr.write(f"{rows:,} records in {last - began:.0f} s")

        return tell
