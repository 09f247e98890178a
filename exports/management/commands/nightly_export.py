"""`manage.py nightly_export`: what beat starts every night, here and now."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from exports import runs
from exports.models import ExportRun


class Command(BaseCommand):
    help = "Export every active project, once a night; a run that is there already is not made again."

    def handle(self, *args: object, **given: object) -> None:
        failed = 0
        for waiting in runs.start_night(ring=False):
            slug = waiting.project.slug
            run = runs.claim(run_id=str(waiting.pk))
            if run is None:
                waiting.refresh_from_db()
                self.stdout.write(f"{slug}: {waiting.get_state_display().lower()} already ({waiting.pk})")
                continue
            self.stdout.write(f"{slug}: writing …")
            try:
                run = runs.execute(run=run)
            except runs.LostLease:
                self.stdout.write(f"{slug}: went to another worker")
            except Exception:  # the run holds the reason; the other projects go on
                run.refresh_from_db()
                failed += 1
                self.stderr.write(f"{slug}: failed: {run.error}")
            else:
                self.stdout.write(f"{slug}: {run.rows_written:,} rows in {run.path}")
        if failed:
            raise CommandError(f"{failed} of the night's exports failed.")
        if not ExportRun.objects.filter(night__isnull=False).exists():
            self.stdout.write("There is no active project.")
