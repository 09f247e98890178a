"""`manage.py export PROJECT --out DIR`: write an export into a folder, here and now."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from common import plugins
from common.folders import FolderExists
from exports import runs
from exports.models import ExportRun
from exports.options import CONSENSUS, FORMATS, RENDERINGS, Options, parse_instant
from exports.snapshot import Unsettled
from labeling.errors import Invalid
from labeling.management.lookups import project_named

AS_NAMED = ("round", "since", "consensus", "redact", "shards", "compress", "mix", "guideline_version", "task_types",
            "min_label_weight", "min_agreement")  # fmt: skip


class Command(BaseCommand):
    help = "Write the project's data as a folder that training tools read (docs/formats.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="becomes the folder; must not exist")
        parser.add_argument(
            "--config", metavar="A,B", help=f"of {', '.join(plugins.choices(FORMATS))}; default all but moderation"
        )
        parser.add_argument(
            "--render", action="append", metavar="NAME", help=f"also as {', '.join(plugins.choices(RENDERINGS))}"
        )
        parser.add_argument("--cutoff", metavar="ISO", help="the instant described; default now")
        parser.add_argument("--round", type=int, metavar="N", help="only this round")
        parser.add_argument("--since", metavar="CUTOFF", help="only what came after this cutoff, with tombstones")
        parser.add_argument(
            "--consensus",
            nargs="?",
            const="borda",
            choices=CONSENSUS[1:],
            help="one ranking a comparison, by Borda count, Plackett-Luce or majority",
        )
        parser.add_argument("--redact", action="store_true", help="mask e-mail, phone and card numbers and keys")
        parser.add_argument("--shards", type=int, metavar="N")
        parser.add_argument("--compress", choices=["gzip", "zstd"])
        parser.add_argument("--mix", action="append", metavar="SOURCE=WEIGHT", help="mix imported data in")
        parser.add_argument("--guideline-version", type=int, metavar="N")
        parser.add_argument("--task-types", metavar="A,B", help="only work of these types")
        parser.add_argument("--min-label-weight", type=float, metavar="W", help="trainer standing, 0 to 1")
        parser.add_argument("--min-agreement", type=float, metavar="A", help="of a comparison's votes, 0 to 1")
        parser.add_argument("--no-verbatim", action="store_true", help="leave suggestions taken verbatim out of sft")
        parser.add_argument("--keep-truncated", action="store_true", help="keep answers that were cut at their limit")
        parser.add_argument("--keep-control-tokens", action="store_true", help="keep texts that hold control tokens")
        parser.add_argument("--reasoning", action="store_true", help="with what reasoning models said before answering")
        parser.add_argument("--ai-judges", action="store_true", help="let AI judges vote: rankings of kind ai")
        parser.add_argument("--no-unsafe", action="store_true", help="leave completions flagged unsafe out")

    def handle(self, *, project: str, out: Path, cutoff: str | None, **given: object) -> None:
        found = project_named(project)
        try:
            options = Options.from_dict(self._options(given))
            instant = parse_instant(cutoff) if cutoff else None
            run = runs.request(
                project=found, trigger=ExportRun.Trigger.COMMAND, options=options, cutoff=instant, ring=False
            )
            claimed = runs.claim(run_id=str(run.pk))
            assert claimed is not None
            run = runs.execute(run=claimed, target=out, progress=self._progress())
        except (Invalid, Unsettled, FolderExists, OSError) as error:
            raise CommandError(str(error)) from None
        manifest = run.manifest or {}
        for file in manifest["files"]:
            self.stdout.write(f"{file['path']}  {file['rows']:,} rows  {file['bytes']:,} bytes")
        for reason, count in manifest["excluded"].items():
            self.stdout.write(f"left out: {count:,} {reason}")
        self.stdout.write(self.style.SUCCESS(f"export {run.pk} of {manifest['cutoff']} is in {out}"))

    def _options(self, given: Mapping[str, object]) -> dict[str, object]:
        return {name: given[name] for name in AS_NAMED} | {
            "configs": given["config"],
            "renderings": ",".join(render) if isinstance(render := given["render"], list) else (),
            "include_verbatim": not given["no_verbatim"],
            "include_truncated": given["keep_truncated"],
            "include_control_tokens": given["keep_control_tokens"],
            "include_reasoning": given["reasoning"],
            "include_unsafe": not given["no_unsafe"],
            "include_ai_judges": given["ai_judges"],
        }

    def _progress(self) -> Callable[[int], None]:
        """A line on stderr every two seconds."""
        began = last = time.monotonic()

        def tell(rows: int) -> None:
            nonlocal last
            if time.monotonic() - last >= 2:
                last = time.monotonic()
                self.stderr.write(f"{rows:,} rows in {last - began:.0f} s")

        return tell
