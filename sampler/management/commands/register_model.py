"""`manage.py register_model SLUG --engine hf --location PATH`"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from sampler import registry
from sampler.engines._tokenizer_files import special_tokens
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
        parser.add_argument("--system-turn", choices=ModelVersion.SystemTurn.values, default="text")
        parser.add_argument("--system-prompt", default="", help="put first where a dialogue has no system turn")
        parser.add_argument("--context-limit", type=int, default=None, metavar="TOKENS")
        parser.add_argument("--dialect", default="", help="of a model server, e.g. vllm; it is asked without it")
        parser.add_argument("--concurrency", type=int, default=256, help="samples at a model server at once")
        parser.add_argument("--template-arguments", default="{}", metavar="JSON", help="chat_template_kwargs")
        parser.add_argument("--extra-body", default="{}", metavar="JSON", help="fields of every request to the server")
        parser.add_argument(
            "--tokenizer", type=Path, default=None, metavar="FOLDER",
            help="with the tokenizer's JSON files: no text that comes in may hold its special tokens",
        )  # fmt: skip
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
                system_turn=o.system_turn, system_prompt=o.system_prompt, context_limit=o.context_limit,
                default_params=json.loads(o.params),
                dialect=o.dialect, concurrency=o.concurrency, template_arguments=json.loads(o.template_arguments),
                extra_body=json.loads(o.extra_body), control_tokens=_tokens_in(o.tokenizer),
            )  # fmt: skip
        except ValueError as error:
            raise CommandError(str(error)) from None
        if created and version.engine == "openai":
            self.stdout.write(f"{version.slug}: {described(version.capabilities)}")
        self.stdout.write(f"{version.slug}: {'registered' if created else 'already registered'} ({version.engine})")


def _tokens_in(folder: Path | None) -> list[str]:
    if folder is None:
        return []
    if not (found := special_tokens(folder)):
        raise CommandError(f"{folder} holds no tokenizer: a tokenizer.json or tokenizer_config.json was expected.")
    return found


def described(capabilities: Mapping[str, object]) -> str:
    """What the server was found to be, for whoever registers a model version."""
    if trouble := capabilities.get("trouble"):
        return f"the server could not be tried: {trouble}"
    found = f"the server speaks as {capabilities.get('dialect')}"
    if capabilities.get("greedy"):
        found += "; it drew the same text at a high temperature five times over: does it sample at all?"
    if ignored := capabilities.get("ignored"):
        found += f"; it takes {ignored} and does not honour it"
    return found + ("" if capabilities.get("seeds") else "; seeds are not honoured")
