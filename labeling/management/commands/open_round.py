"""`manage.py open_round PROJECT --policy SLUG=WEIGHT …`: begin a project's next round."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from common.shapes import JsonObject
from labeling import projects
from labeling.errors import Invalid
from labeling.management.lookups import model_version_named, project_named
from sampler.models import ModelVersion


class Command(BaseCommand):
    help = "Close a project's open round and open the next one with this mixture of model versions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument(
            "--policy", action="append", required=True, metavar="SLUG=WEIGHT",
            help="a model version and its weight in the mixture (weight 1 where none is given); may be repeated",
        )  # fmt: skip
        parser.add_argument("--note", default="", help="a sentence on what is new in this round")

    def handle(self, *, project: str, policy: list[str], note: str, **options: object) -> None:
        found = project_named(project)
        policies = [self._policy(value) for value in policy]
        try:
            opened = projects.open_round(project=found, policies=policies, note=note)
        except Invalid as error:
            raise CommandError(str(error)) from None
        mixture = ", ".join(f"{version.slug} × {weight:g}" for version, weight, _ in policies)
        self.stdout.write(f"Round {opened.number} of {found.slug} is open: {mixture}.")

    def _policy(self, value: str) -> tuple[ModelVersion, float, JsonObject]:
        slug, _, weight = value.partition("=")
        version = model_version_named(slug)
        try:
            return version, float(weight or 1), {}
        except ValueError:
            raise CommandError(f"{value!r}: the weight is a number, as in {slug}=0.7.") from None
