"""`manage.py score PROJECT --reward-model SLUG [--round N]`: a reward model reads a project's completions."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import NoReturn

from django.core.management.base import BaseCommand, CommandError

from labeling import scoring
from labeling.errors import Invalid
from labeling.management.lookups import model_version_named, project_named
from labeling.models import Project
from labeling.named import check_named
from sampler import rewards
from sampler.models import ModelVersion


class Command(BaseCommand):
    help = (
        "Score a project's completions with a reward model, in this process, and say how far it agrees with the "
        "trainers. What is scored already is left alone. The last line is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("--reward-model", required=True, metavar="SLUG", help="registered with --role reward")
        parser.add_argument(
            "--watch", type=float, default=None, metavar="SECONDS",
            help="go on, and look so often for what is new: for projects where a reward model chooses what is ranked",
        )  # fmt: skip
        parser.add_argument("--round", type=int, default=None, metavar="N", help="only this round's comparisons")

    def handle(
        self, *, project: str, reward_model: str, round: int | None, watch: float | None = None, **options: object
    ) -> None:
        chosen = self._project(project, round)
        model = self._reward_model(reward_model)
        self._last = time.monotonic()
        try:
            if watch is not None:
                self._watch(chosen, model, round, max(0.1, watch))
            counts = scoring.score_project(project=chosen, reward_model=model, round=round, progress=self._tell)
        except ValueError as error:
            raise CommandError(str(error)) from None
        agreement = scoring.agreement(project=chosen, reward_model=model, round=round)
        self.stdout.write(f"{counts['scored_now']:,} scored now, {counts['scored_before']:,} before")
        for split, found in agreement.items():
            self.stdout.write(f"{split}: {sentence(found)}")
        report = {
            "project": chosen.slug,
            "reward_model": model.slug,
            "round": round,
            **counts,
            "agreement": agreement,
            "mean_score": scoring.mean_scores(project=chosen, reward_model=model, round=round),
        }
        self.stdout.write(json.dumps(report))

    def _watch(self, project: Project, model: ModelVersion, round: int | None, pause: float) -> NoReturn:
        """Score what comes, until the process is ended."""
        classifier = rewards.load(model)
        self.stderr.write(f"{model.slug} is loaded; it scores what comes to be ranked in {project.slug}")
        while True:
            counts = scoring.score_project(project=project, reward_model=model, round=round, classifier=classifier)
            if counts["scored_now"]:
                self.stderr.write(f"{counts['scored_now']:,} scored now")
            time.sleep(pause)

    def _project(self, slug: str, round: int | None) -> Project:
        project = project_named(slug)
        try:
            check_named(project, round=round)
        except Invalid as error:
            raise CommandError(str(error)) from None
        return project

    def _reward_model(self, slug: str) -> ModelVersion:
        model = model_version_named(slug)
        if model.role != ModelVersion.Role.REWARD:
            raise CommandError(f"{model.slug} is a policy: it writes text and does not score any.")
        return model

    def _tell(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= 2 or done == total:
            self._last = time.monotonic()
            self.stderr.write(f"{done:,} of {total:,} scored")


def sentence(found: scoring.Agreement) -> str:
    if found["agreement"] is None:
        return "no strict pair of a trainer to compare with"
    low, high = found["low"], found["high"]
    interval = f", 95% interval {low:.2f} to {high:.2f}" if low is not None and high is not None else ""
    return (
        f"agrees with {found['agreement']:.0%} of {found['pairs']:,} strict pairs "
        f"({found['comparisons']:,} comparisons{interval})"
    )
