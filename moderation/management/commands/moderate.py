"""`manage.py moderate PROJECT --filter NAME`: verdicts on every text that the filter has not seen."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import plugins
from labeling.models import Project
from moderation import verdicts


class Command(BaseCommand):
    help = "Give a content filter's verdict on every prompt, turn and completion of a project that has none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("--filter", default="patterns", choices=plugins.choices("moderation.filters"))

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        total = 0
        while done := verdicts.screen(project, options["filter"]):
            total += done
            self.stderr.write(f"{total:,} texts")
        self.stdout.write(f"{total} texts were screened by {options['filter']}.")
