"""`manage.py demo_loop --rounds N`: whole rounds of the loop, with trainers that are simulated."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from argparse import ArgumentParser, Namespace

from django.core.management.base import BaseCommand, CommandError

from labeling.errors import LabelingError
from operations.loop import measure, processes, project, rule
from operations.loop.project import LoopError, LoopProject
from operations.loop.rounds import run_rounds
from operations.loop.run import LoopRun, Settings
from sampler.models import ModelVersion


class Command(BaseCommand):
    help = (
        "Run whole rounds on this machine with a small model and simulated trainers: sample, rank by a rule, export, "
        "train a reward model, take the best of n by it, train the next policy, open the next round. Takes some "
        "minutes a round on two cores. The last line is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=1, metavar="N")
        parser.add_argument("--prompts", type=int, default=32, metavar="M", help="openings; a quarter is held out")
        parser.add_argument("--completions", type=int, default=4, metavar="K", help="of each comparison, 2 to 9")
        parser.add_argument("--best-of", type=int, default=4, metavar="N", help="fresh completions to choose from")
        parser.add_argument("--max-tokens", type=int, default=64)
        parser.add_argument("--policy", default="", metavar="SLUG", help="to begin with; default: the demo's model")
        parser.add_argument("--reward-steps", type=int, default=Settings.reward_steps)
        parser.add_argument("--sft-steps", type=int, default=Settings.sft_steps)
        parser.add_argument("--keep", action="store_true", help="leave project, model versions and folders there")

    def handle(self, *args: object, **options: object) -> None:
        o = Namespace(**options)
        if not 1 <= o.rounds <= 20:
            raise CommandError("--rounds takes 1 to 20.")
        self._began = time.monotonic()
        policy, own = self._prepare(o)
        settings = Settings(rounds=o.rounds, best_of=o.best_of, reward_steps=o.reward_steps, sft_steps=o.sft_steps)
        self._say(f"project {own.project.slug}, {o.prompts} openings, from {policy.slug}")
        self._say(f"trainers are SIMULATED: {rule.WORDS}")
        run = LoopRun(own, settings, self._say)
        logging.getLogger("labeling").setLevel(logging.WARNING)  # told as progress below
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # tidied up after, as after Ctrl-C
        try:
            rows = run_rounds(run, policy)
        except (LoopError, LabelingError, ValueError) as error:
            raise CommandError(str(error)) from None
        finally:
            if not o.keep:
                project.remove(own)
            signal.signal(signal.SIGTERM, before)
        self._report(rows, run, kept=own.project.slug if o.keep else "")

    def _prepare(self, o: Namespace) -> tuple[ModelVersion, LoopProject]:
        try:
            policy = project.first_policy(o.policy)
            own = project.build(prompts=o.prompts, completions=o.completions, max_tokens=o.max_tokens, keep=o.keep)
        except (LoopError, LabelingError) as error:
            raise CommandError(str(error)) from None
        return policy, own

    def _report(self, rows: list[measure.Row], run: LoopRun, *, kept: str) -> None:
        seconds = round(time.monotonic() - self._began)
        spent = ", ".join(f"{name} {taken} s" for name, taken in run.seconds.items())
        lines = [
            "", *measure.table(rows), "",
            "Brackets: 95% intervals over prompts; ties count half. Trainers were simulated by a rule and the numbers "
            "are few:",
            "this shows that the loop closes, not how well people's judgement would train a model.",
            f"{seconds} s ({spent}); largest process {processes.peak_memory():.1f} GiB",
            f"Kept as project {kept}." if kept else "Project, model versions and folders of this run were removed.",
        ]  # fmt: skip
        self.stdout.write("\n".join(lines))
        report = {
            "simulated": True, "rule": rule.WORDS, "rounds": [row.to_dict() for row in rows], "seconds": seconds,
            "stages": dict(run.seconds), "peak_gib": round(processes.peak_memory(), 2), "kept": kept or None,
        }  # fmt: skip
        self.stdout.write(json.dumps(report))

    def _say(self, text: str) -> None:
        self.stderr.write(f"[{time.monotonic() - self._began:4.0f} s] {text}")
        self.stderr.flush()
