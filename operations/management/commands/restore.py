"""`restore FILE [--force]`: what `backup` wrote, in place of what is here. Nobody should work meanwhile.

`restore FILE --rehearse` restores into a database of its own, compares, and drops it: while people work.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from operations import backup, rehearsal, restore


class Command(BaseCommand):
    help = "Restore a backup; refuses a database that holds something, unless --force."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace what is there")
        parser.add_argument("--rehearse", action="store_true", help="only try it, beside what is there")

    def handle(self, *, file: Path, force: bool, rehearse: bool, **options: object) -> None:
        if force and rehearse:
            raise CommandError("--rehearse changes nothing, so there is nothing to --force.")
        try:
            if rehearse:
                rehearsal.rehearse(file, say=self.stdout.write)
                self.stdout.write("It can be restored; nothing here was changed.")
                return
            restore.read(file, force=force, say=self.stdout.write)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("restored")
