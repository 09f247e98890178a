"""`person NAME [--export]`: what is kept of a person, for requests of access."""

from __future__ import annotations

import json
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import record
from accounts.models import User
from operations import person


class Command(BaseCommand):
    help = "Say how much is kept of a person; with --export, print all of it as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--export", action="store_true", help="everything, as one JSON object on stdout")

    def handle(self, *, name: str, export: bool, **options: object) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        found = person.of(user)
        if export:
            record(actor=None, action="person.exported", obj=user)
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=1))
            return
        for kind, rows in found.items():
            if isinstance(rows, list) and rows:
                self.stdout.write(f"{len(rows):>8}  {kind}")
