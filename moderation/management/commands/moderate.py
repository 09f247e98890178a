"""`manage.py moderate PROJECT --filter NAME`: verdicts on every text that the filter has not seen."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from labeling.management.lookups import project_named
from moderation import verdicts
from screening.filters.base import FILTERS


class Command(BaseCommand):
    help = "Give a content filter's verdict on every prompt, turn and completion of a project that has none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("--filter", default="patterns", choices=FILTERS.choices())

    def handle(self, *, project: str, filter: str, **options: object) -> None:
        found = project_named(project)
        total = 0
        while done := verdicts.screen(found, filter):
            total += done
            self.stderr.write(f"{total:,} texts")
        self.stdout.write(f"{total} texts were screened by {filter}.")
