"""`manage.py withdraw PROJECT NAME`: take a person's data out of a project, for good."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from exports import runs
from exports.models import ExportRun
from hub.withdrawn import pushed
from labeling.management.lookups import project_named
from labeling.withdrawal import withdraw


class Command(BaseCommand):
    help = "Empty what a person wrote in a project; later exports leave it out and list tombstones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("name", help="user name of the person")
        parser.add_argument("--yes", action="store_true", help="do not ask; it cannot be undone")
        parser.add_argument("--remove-exports", action="store_true", help="also delete the project's stored exports")

    def handle(self, *, project: str, name: str, yes: bool, remove_exports: bool, **options: object) -> None:
        found = project_named(project)
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        if not yes and not sys.stdin.isatty():
            raise CommandError("Nothing was changed: there is no terminal to ask at. Pass --yes; it cannot be undone.")
        if not yes and input(f"Empty everything that {user} wrote in {found}? Type yes: ") != "yes":
            raise CommandError("Nothing was changed.")
        for kind, count in withdraw(project=found, user=user).items():
            self.stdout.write(f"{count:,} {kind} emptied")
        for repository in pushed(found):
            self.stdout.write(
                f"{repository.name} on the Hugging Face Hub may hold their words in one of its versions: take it back "
                f"at {settings.PUBLIC_URL}/manage/projects/{found.slug}/hub/ and push a new export."
            )
        if remove_exports:
            stored = ExportRun.objects.filter(project=found, state=ExportRun.State.FINISHED)
            self.stdout.write(f"{sum(runs.remove(run=run) for run in stored)} stored exports removed")
