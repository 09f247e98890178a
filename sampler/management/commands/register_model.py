"""`manage.py register_model SLUG --engine hf --location PATH`"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from sampler import registry
from sampler.engines.base import ENGINES
from sampler.models import ModelVersion


class Command(BaseCommand):
    help = "Make a model version known: a checkpoint at one revision behind one engine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--engine", required=True, choices=ENGINES.choices())
        parser.add_argument("--location", default="", help="folder or hub name, base URL, or settings")
        parser.add_argument("--role", choices=ModelVersion.Role.values, default=ModelVersion.Role.POLICY)
        parser.add_argument("--revision", default="")
        parser.add_argument("--parent", default="", metavar="SLUG", help="the model version that it was trained from")
        parser.add_argument("--export", type=UUID, default=None, metavar="ID", help="what it was trained on")
        parser.add_argument("--remote-name", default="", help="its name at an OpenAI-compatible server")
        parser.add_argument("--api-key-env", default="", metavar="NAME", help="variable that holds the server's key")
        parser.add_argument("--system-prompt", default="", help="put first where a dialogue has no system turn")
        parser.add_argument("--context-limit", type=int, default=None, metavar="TOKENS")
        parser.add_argument("--params", default="{}", metavar="JSON", help='e.g. {"temperature": 0.7, "top_p": 0.9}')

    def handle(self, *args: object, **options: object) -> None:
        o = Namespace(**options)
        parent = None
        if o.parent:
            parent = ModelVersion.objects.filter(slug=o.parent).first()
            if parent is None:
                raise CommandError(f"There is no model version {o.parent!r} to be the parent.")
        try:
            version, created = registry.register_model(
                slug=o.slug, engine=o.engine, location=o.location, role=o.role, revision=o.revision, parent=parent,
                export_id=o.export, remote_name=o.remote_name, api_key_env=o.api_key_env,
                system_prompt=o.system_prompt, context_limit=o.context_limit, default_params=json.loads(o.params),
            )  # fmt: skip
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{version.slug}: {'registered' if created else 'already registered'} ({version.engine})")
