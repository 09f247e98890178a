"""`reset_password NAME`: prints a link at which the user NAME sets a new password."""

from __future__ import annotations

import os
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import passwords
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link at which a user sets a new password; it works once, and for three days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="The user's name.")

    def handle(self, *, name: str, **options: object) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {name!r}.")
        base = settings.PUBLIC_URL.removesuffix(settings.FORCE_SCRIPT_NAME or "")
        base = base or f"http://127.0.0.1:{os.environ.get('DUOLOGUE_PORT') or 8000}"
        self.stdout.write(passwords.reset_link(user=user, base=base))
