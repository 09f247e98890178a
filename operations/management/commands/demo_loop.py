"""`manage.py demo_loop --rounds N`: whole rounds of the loop, with trainers that are simulated."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from labeling.errors import LabelingError
from operations.loop import machines, measure, rule, stage
from operations.loop.rounds import Loop, Settings


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
        parser.add_argument("--max-tokens", type=int, default=40)
        parser.add_argument("--policy", default="", metavar="SLUG", help="to begin with; default: the demo's model")
        parser.add_argument("--reward-steps", type=int, default=Settings.reward_steps)
        parser.add_argument("--sft-steps", type=int, default=Settings.sft_steps)
        parser.add_argument("--keep", action="store_true", help="leave project, model versions and folders there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["rounds"] <= 20:
            raise CommandError("--rounds takes 1 to 20.")
        self._began = time.monotonic()
        try:
            policy = stage.first_policy(options["policy"])
            ground = stage.build(
                prompts=options["prompts"], completions=options["completions"], max_tokens=options["max_tokens"],
                keep=options["keep"],
            )  # fmt: skip
        except (stage.LoopError, LabelingError) as error:
            raise CommandError(str(error)) from None
        settings = Settings(
            rounds=options["rounds"], best_of=options["best_of"], reward_steps=options["reward_steps"],
            sft_steps=options["sft_steps"],
        )  # fmt: skip
        self._say(f"project {ground.project.slug}, {options['prompts']} openings, from {policy.slug}")
        self._say(f"trainers are SIMULATED: {rule.WORDS}")
        loop = Loop(ground, settings, self._say)
        logging.getLogger("labeling").setLevel(logging.WARNING)  # told as progress below
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # tidied up after, as after Ctrl-C
        try:
            rows = loop.run(policy)
        except (stage.LoopError, LabelingError, ValueError) as error:
            raise CommandError(str(error)) from None
        finally:
            if not options["keep"]:
                stage.remove(ground)
            signal.signal(signal.SIGTERM, before)
        self._report(rows, loop, kept=ground.project.slug if options["keep"] else "")

    def _report(self, rows: list[measure.Row], loop: Loop, *, kept: str) -> None:
        seconds = round(time.monotonic() - self._began)
        spent = ", ".join(f"{name} {taken} s" for name, taken in loop.seconds.items())
        lines = [
            "", *measure.table(rows), "",
            "Brackets: 95% intervals over prompts; ties count half. Trainers were simulated by a rule and the numbers "
            "are few:",
            "this shows that the loop closes, not how well people's judgement would train a model.",
            f"{seconds} s ({spent}); largest process {machines.peak_memory():.1f} GiB",
            f"Kept as project {kept}." if kept else "Project, model versions and folders of this run were removed.",
        ]  # fmt: skip
        self.stdout.write("\n".join(lines))
        report = {
            "simulated": True, "rule": rule.WORDS, "rounds": [row.to_dict() for row in rows], "seconds": seconds,
            "stages": dict(loop.seconds), "peak_gib": round(machines.peak_memory(), 2), "kept": kept or None,
        }  # fmt: skip
        self.stdout.write(json.dumps(report))

    def _say(self, text: str) -> None:
        self.stderr.write(f"[{time.monotonic() - self._began:4.0f} s] {text}")
        self.stderr.flush()
