"""`backup FILE`: everything that cannot be made again, in one file. May run while people work.

`backup --keep N [--folder FOLDER]` writes into a folder under the date of now, and keeps the newest N.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations import backup


class Command(BaseCommand):
    help = "Write database, exports, uploaded files and secret key into one file, as of one instant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--keep", type=int, metavar="N", help="write into --folder and keep the newest N there")
        parser.add_argument("--folder", type=Path, help="for --keep; default: backups, in the var folder")

    def handle(self, *, file: Path | None, keep: int | None, folder: Path | None, **options: object) -> None:
        if (file is None) == (keep is None) or (folder is not None and keep is None):
            raise CommandError("Give a file to write, or --keep N and, if you like, --folder FOLDER.")
        if keep is not None and keep < 1:
            raise CommandError("--keep takes 1 or more.")
        try:
            if keep is not None:
                file = backup.rotate(folder or Path(settings.VAR_DIR) / "backups", keep=keep, say=self.stdout.write)
            elif file is not None:
                backup.write(file.absolute(), say=self.stdout.write)
        except backup.BackupError as error:
            raise CommandError(str(error)) from None
        assert file is not None
        self.stdout.write(f"{file}: {file.stat().st_size / 1e6:.1f} MB. Keep it safe: the secret key is in it.")
