"""`manage.py demo_loop --rounds N`: whole rounds of the loop, with trainers that are simulated."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, fields, replace

from django.core.management.base import BaseCommand, CommandError

from common.shapes import JsonObject
from labeling.errors import LabelingError
from operations.loop import processes, project, report
from operations.loop.project import LoopError, LoopProject
from operations.loop.rounds import run_rounds
from operations.loop.rule import RULES
from operations.loop.run import LoopRun, Settings
from operations.loop.stages import Stages
from operations.loop.topics import QUESTIONS, TOPICS
from sampler.models import ModelVersion

QUICK = Settings(questions=2, completions=4, reward_steps=24, ppo_answers=32, quick=True)
LEAST_TOPICS = 8


class Command(BaseCommand):
    help = (
        "Run whole rounds on this machine with a small model and simulated trainers: sample, rank by a rule, export, "
        "train a reward model, train the next policy by it, open the next round, and say whether the new policy is "
        "preferred on topics that nobody trained on. The last line is JSON. docs/loop.md has the times."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=1, metavar="N")
        parser.add_argument("--train", choices=["ppo", "best-of-n"], default="best-of-n", help="how the policy learns")
        parser.add_argument("--rule", choices=sorted(RULES), default="commas", help="that simulated trainers rank by")
        parser.add_argument("--quick", action="store_true", help="about 10 minutes; too few pairs for the checks")
        parser.add_argument("--topics", type=int, default=len(TOPICS), metavar="M", help="a quarter is held out")
        parser.add_argument("--policy", default="", metavar="SLUG", help="to begin with; default: the demo's model")
        parser.add_argument("--keep", action="store_true", help="leave project, model versions and folders there")
        parser.add_argument("--resume", default="", metavar="LOOP", help="go on with a run that was cut")
        parser.add_argument("--remove", default="", metavar="LOOP", help="take away a run that was cut or kept")
        for one in fields(Settings):  # how much of everything
            if one.name not in ("rounds", "train", "rule", "quick", "swapped"):
                parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=None)
        parser.add_argument(
            "--swapped", action="store_true", help="exchange chosen and rejected: the policy has to lose"
        )

    def handle(self, *args: object, **options: object) -> None:
        o = Namespace(**options)
        self._began = time.monotonic()
        logging.getLogger("labeling").setLevel(logging.WARNING)  # told as progress below
        try:
            if o.remove:
                project.remove(project.find(o.remove))
                self._say(f"{o.remove} is removed")
                return
            run, policy, keep = self._resumed(o.resume) if o.resume else self._begun(o)
        except (LoopError, LabelingError) as error:
            raise CommandError(str(error)) from None
        self._say(f"project {run.own.project.slug}, from {policy.slug}; trainers are SIMULATED: {run.rule.words}")
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # children end with it
        try:
            rows = run_rounds(run, policy)
        except (LoopError, LabelingError, ValueError) as error:
            self._left(run)
            raise CommandError(str(error)) from None
        except BaseException:
            self._left(run)
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
        self._report(rows, run, keep=keep)

    def _begun(self, o: Namespace) -> tuple[LoopRun, ModelVersion, bool]:
        if not 1 <= o.rounds <= 20:
            raise CommandError("--rounds takes 1 to 20.")
        if not LEAST_TOPICS <= o.topics <= len(TOPICS):
            raise CommandError(f"--topics takes {LEAST_TOPICS} to {len(TOPICS)}.")
        given = {one.name: getattr(o, one.name) for one in fields(Settings) if getattr(o, one.name) is not None}
        settings = replace(QUICK if o.quick else Settings(), **given)
        if not 1 <= settings.questions <= len(QUESTIONS):
            raise CommandError(f"--questions takes 1 to {len(QUESTIONS)}.")
        policy = project.first_policy(o.policy)
        own = project.build(
            topics=TOPICS[: o.topics], questions=settings.questions, completions=settings.completions,
            max_tokens=settings.max_tokens, rule=RULES[settings.rule],
        )  # fmt: skip
        stages = Stages(own.folder, {"settings": asdict(settings), "policy": policy.slug, "keep": o.keep})
        stages.write()
        return LoopRun(own, settings, self._say, stages), policy, o.keep

    def _resumed(self, slug: str) -> tuple[LoopRun, ModelVersion, bool]:
        own = project.find(slug)
        stages = Stages.of(own.folder)
        kept = stages.options["settings"]
        assert isinstance(kept, dict)
        settings = Settings(**kept)  # type: ignore[arg-type]
        self._say(f"{len(stages.done)} stages of {slug} are done")
        policy = project.first_policy(str(stages.options["policy"]))
        return LoopRun(own, settings, self._say, stages), policy, bool(stages.options["keep"])

    def _left(self, run: LoopRun) -> None:
        slug = run.own.project.slug
        self._say(f"go on with: manage.py demo_loop --resume {slug}   take it away with: --remove {slug}")

    def _report(self, rows: list[JsonObject], run: LoopRun, *, keep: bool) -> None:
        own, seconds = run.own, run.stages.seconds()
        spent = ", ".join(f"{name} {taken:.0f} s" for name, taken in seconds.items())
        lines = [
            *report.lines(rows, run.rule.unit), "",
            "Brackets: 95% intervals over topics; ties count half. Trainers were simulated by a rule.",
            f"{sum(seconds.values()):.0f} s ({spent}); largest process {processes.peak_memory():.1f} GiB",
            f"Kept as project {own.project.slug}." if keep else "Project, model versions and folders were removed.",
        ]  # fmt: skip
        self.stdout.write("\n".join(lines))
        found: JsonObject = {
            **report.whole(rows, words=run.rule.words, settings=asdict(run.settings), seconds=seconds),
            "peak_gib": round(processes.peak_memory(), 2), "kept": own.project.slug if keep else None,
        }  # fmt: skip
        report.write(own.folder, found)
        self._settle(own, keep=keep)
        self.stdout.write(json.dumps(found))

    def _settle(self, own: LoopProject, *, keep: bool) -> None:
        if keep:
            project.keep(own)
        else:
            project.remove(own)

    def _say(self, text: str) -> None:
        self.stderr.write(f"[{time.monotonic() - self._began:4.0f} s] {text}")
        self.stderr.flush()
