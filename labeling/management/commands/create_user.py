"""`create_user NAME --project SLUG --role ROLE`: an account and its place in a project."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.audit import record
from accounts.models import User
from labeling.management.lookups import project_named
from labeling.models import Membership
from labeling.projects import set_membership


class Command(BaseCommand):
    help = "Make an account and print its generated password; with --project and --role, a member of the project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument("--role", choices=Membership.Role.values)
        parser.add_argument("--email", default="")
        parser.add_argument("--operator", action="store_true", help="May do everything, everywhere.")

    @transaction.atomic
    def handle(
        self, *, name: str, project: str | None, role: str | None, email: str, operator: bool, **options: object
    ) -> None:
        if bool(project) != bool(role):
            raise CommandError("--project and --role belong together.")
        found = project_named(project) if project else None
        if User.objects.filter(username__iexact=name).exists():
            raise CommandError(f"There is a user {name!r} already.")
        password = secrets.token_urlsafe(15)
        user = User(username=name, email=email, is_staff=operator, is_superuser=operator)
        user.set_password(password)
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user.save()
        record(actor=None, action="account.created", obj=user, fields=["is_superuser"] if operator else [])
        if found is not None and role is not None:
            set_membership(project=found, user=user, role=role)
        self.stdout.write(password)
