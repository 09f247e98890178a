"""`prepare [--demo --model FOLDER]`: all that has to be done before the services start; `bin/start` runs it.

Says on stdout what people need to know once all is ready. Everything in it can be done again.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from operations import demo as demo_project
from operations import migrating, restore, static_files, worker_heartbeat


class Command(BaseCommand):
    help = "Check database and Redis, migrate, collect static files and, with --demo, make the demo project."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true")
        parser.add_argument("--model", type=Path, metavar="FOLDER", help="the demo's model, unpacked")

    def handle(self, *, demo: bool, model: Path | None, **options: object) -> None:
        worker_heartbeat.forget()  # also the first that has to do with Redis: an unreachable one is said at once
        restore.finish(say=self.stderr.write)
        migrating.migrate(say=self.stderr.write)
        for folder in (settings.MEDIA_ROOT, settings.EXPORT_ROOT, settings.MODEL_ROOT):
            Path(folder).mkdir(parents=True, exist_ok=True)
        static_files.collect()
        if demo:
            self._demo(model or Path(settings.MODEL_ROOT) / demo_project.MODEL)

    def _demo(self, model: Path) -> None:
        passwords = demo_project.make(demo_project.register(model))
        if not passwords:
            return
        self.stdout.write("\nAccounts of the demo project, shown only this once:\n")
        roles = {name: str(role.label) for name, role in demo_project.CAST} | {"admin": "Operator"}
        for name, password in sorted(passwords.items()):
            self.stdout.write(f"  {name:<8}{password:<16}{roles.get(name, '')}")
        self.stdout.write("")
