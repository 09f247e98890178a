"""`manage.py score PROJECT --reward-model SLUG [--round N]`: a reward model reads a project's completions."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from labeling import scoring
from labeling.models import Project
from sampler.models import ModelVersion


class Command(BaseCommand):
    help = (
        "Score a project's completions with a reward model, in this process, and say how far it agrees with the "
        "trainers. What is scored already is left alone. The last line is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--reward-model", required=True, metavar="SLUG", help="registered with --role reward")
        parser.add_argument("--round", type=int, default=None, metavar="N", help="only this round's comparisons")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        model = ModelVersion.objects.filter(slug=options["reward_model"]).first()
        if model is None:
            raise CommandError(f"There is no model version {options['reward_model']!r}; register_model makes one.")
        number = options["round"]
        if number is not None and not project.rounds.filter(number=number).exists():
            raise CommandError(f"{project.slug} has no round {number}.")
        if model.role != ModelVersion.Role.REWARD:
            raise CommandError(f"{model.slug} is a policy: it writes text and scores none.")
        self._last = time.monotonic()
        try:
            counts = scoring.score_project(project=project, reward_model=model, round=number, progress=self._tell)
        except ValueError as error:
            raise CommandError(str(error)) from None
        scope = {"project": project, "reward_model": model, "round": number}
        agreement = scoring.agreement(**scope)
        self.stdout.write(f"{counts['scored_now']:,} scored now, {counts['scored_before']:,} before")
        for split, found in agreement.items():
            self.stdout.write(f"{split}: {sentence(found)}")
        report = {
            "project": project.slug, "reward_model": model.slug, "round": number, **counts,
            "agreement": agreement, "mean_score": scoring.mean_scores(**scope),
        }  # fmt: skip
        self.stdout.write(json.dumps(report))

    def _tell(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= 2 or done == total:
            self._last = time.monotonic()
            self.stderr.write(f"{done:,} of {total:,} scored")


def sentence(found: dict[str, Any]) -> str:
    if found["agreement"] is None:
        return "no strict pair of a trainer to compare with"
    interval = f", 95% interval {found['low']:.2f} to {found['high']:.2f}" if found["low"] is not None else ""
    return (
        f"agrees with {found['agreement']:.0%} of {found['pairs']:,} strict pairs "
        f"({found['comparisons']:,} comparisons{interval})"
    )
