"""`create_token NAME`: prints an API token of the user NAME, once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from common.auth import SCOPES


class Command(BaseCommand):
    help = "Make an API token for a user and print it once; only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="The user's name.")
        parser.add_argument("--label", default="", help="What the token is for, to recognise it by.")
        parser.add_argument("--days", type=int, default=365, help="Days until it expires (365); 0: never.")
        parser.add_argument(
            "--scope", action="append", default=[], choices=list(SCOPES), help="May be repeated; none: all of them."
        )

    def handle(self, *, name: str, label: str, days: int, scope: list[str], **options: object) -> None:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {name!r}.")
        if days < 0:
            raise CommandError("--days takes 0 or more.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        self.stdout.write(tokens.create(user=user, name=label, expires_at=expires_at, scopes=scope))
