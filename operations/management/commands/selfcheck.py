"""`selfcheck`: the whole loop through the running services, in a throw-away project; what to run after a deploy."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations.api_client import CheckFailed
from operations.selfcheck import SelfCheck


class Command(BaseCommand):
    help = "Chat, random turn, completions, ranking, export: once through the services that run; cleans up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        port = os.environ.get("DUOLOGUE_PORT") or "8000"
        parser.add_argument(
            "--url", default=settings.PUBLIC_URL or f"http://127.0.0.1:{port}", help="of the web server"
        )
        parser.add_argument("--model", default="", metavar="SLUG", help="default: one that a sampler has loaded")
        parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help="for each thing waited for")

    def handle(self, *args: Any, **options: Any) -> None:
        check = SelfCheck(
            url=options["url"], model=options["model"], say=self._say, patience=options["patience"]
        )  # fmt: skip
        try:
            check.run()
        except CheckFailed as error:
            raise CommandError(str(error)) from None

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
