"""`selfcheck`: the whole loop through the running services, in a throw-away project; what to run after a deploy."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import web_address
from operations.api_client import CheckFailed
from operations.selfcheck import SelfCheck


def default_url(var_dir: Path, *, public_url: str) -> str:
    """The public address, or that of the port that the environment names, or that of the start that runs here."""
    if public_url:
        return public_url
    if port := os.environ.get("DUOLOGUE_PORT"):
        return web_address.url(web_address.loopback(), int(port))
    return web_address.read(var_dir) or "http://127.0.0.1:8000"


class Command(BaseCommand):
    help = "Chat, random turn, completions, ranking, export: once through the services that run; cleans up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        url = default_url(settings.VAR_DIR, public_url=settings.PUBLIC_URL)
        parser.add_argument("--url", default=url, help=f"of the web server; default: {url}")
        parser.add_argument("--model", default="", metavar="SLUG", help="default: one that a sampler has loaded")
        parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help="for each thing waited for")

    def handle(self, *, url: str, model: str, patience: float, **options: object) -> None:
        check = SelfCheck(url=url, model=model, say=self._say, patience=patience)
        try:
            check.run()
        except CheckFailed as error:
            raise CommandError(str(error)) from None

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
