"""How fast the sampler is, beside bare transformers code that imports none of ours.

    python -m benchmarks.sampler [--quick] [--model FOLDER] [--rounds N]

The worker path is the real one: rows in a database of its own, `manage.py sampler` in a process of
its own, completions written (`served.py`). The bare ways run in this process (`bare.py`), with the same
weights, data type and sampling, turn about with the worker, so that a busy machine is unfair to nobody.
Tokens are counted as they came out, end tokens included. The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.chdir(ROOT)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the bare ways get what helps our engine on a busy machine

from benchmarks.bare import QUESTIONS, TOKENS, Bare, K  # noqa: E402  (torch reads the variable above)

if TYPE_CHECKING:
    from benchmarks.served import SamplerProcess

STARTED = time.monotonic()
QUICK_UNTIL = 110.0  # seconds after which --quick begins no further round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="8 prompts only; ends within 4 minutes")
    parser.add_argument("--model", default="", help="folder of the model (default: SmolLM2 under the var folder)")
    parser.add_argument(
        "--rounds", type=int, default=0, help="times each way is measured on 8 prompts (default 3, quick 2); once on 64"
    )
    options = parser.parse_args()
    from common import embedded, environment

    with contextlib.ExitStack() as stack:
        if names := embedded.needed():
            stack.enter_context(embedded.running(environment.var_dir(ROOT), names))
        return measure(options, stack)


def measure(options: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    import django

    django.setup()
    from benchmarks import served
    from benchmarks.own_database import own_database

    folder = options.model or smollm2()
    url = stack.enter_context(own_database())
    rounds = options.rounds or (2 if options.quick else 3)
    served.say(f"loading {folder}")
    bare = Bare(folder)
    worker = stack.enter_context(served.sampler_process(folder, url))
    served.say(f"worker: {worker.how()}")
    speeds = turn_about(worker, bare, QUESTIONS, rounds, options.quick)
    tables = {label(QUESTIONS): speeds}
    if not options.quick:
        many = [f"{q} ({i})" for i in range(8) for q in QUESTIONS]
        tables[label(many)] = turn_about(worker, bare, many, 1, quick=False)
    k_cost = served.k_cost(worker)
    waits = worker.first_tokens(times=20)
    print(
        f"\nSmolLM2-like model {folder}, {bare.dtype}, {bare.threads} threads; 8 prompts: median of {rounds} rounds\n"
    )
    for prompts, ways in tables.items():
        for name, speed in ways.items():
            print(f"{prompts:24} {name:24} {speed:8.1f} tokens/s")
    for name, seconds in waits.items():
        print(f"{'interactive':24} {name:24} {seconds:8.3f} s")
    print(f"{'K samples of a prompt':24} {'of K prompts read':24} {k_cost:8.2f}\n")
    figures = {**ratios(speeds), **waits, "k_over_separate": k_cost}
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
    return 0


def label(prompts: list[str]) -> str:
    return f"{len(prompts)} prompts x {K} x {TOKENS}"


def ratios(speeds: dict[str, float]) -> dict[str, float]:
    ours = speeds["worker path"]
    return {
        "worker_over_continuous": ours / speeds["bare generate_batch"],
        "worker_over_fastest": ours / max(v for n, v in speeds.items() if n != "worker path"),
        "worker_over_one_at_a_time": ours / speeds["bare one at a time"],
    }


def turn_about(worker: SamplerProcess, bare: Bare, prompts: list[str], rounds: int, quick: bool) -> dict[str, float]:
    """Median tokens per second of each way, measured in turn."""
    from benchmarks.served import say

    ways = {
        "worker path": worker.throughput,
        "bare generate_batch": bare.generate_batch,
        "bare static generate": bare.static,
        "bare one at a time": bare.one_at_a_time,
    }
    got: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        if number and quick and time.monotonic() - STARTED > QUICK_UNTIL:
            say("no further round: this machine is slow today")
            break
        for name, way in ways.items():
            speed = way(prompts, number)
            got[name].append(speed)
            say(f"round {number + 1}/{rounds}, {len(prompts)} prompts, {name}: {speed:.1f} tokens/s")
    return {name: statistics.median(speeds) for name, speeds in got.items()}


def smollm2() -> str:
    """The demo's model, converted once under the var folder."""
    from django.conf import settings

    from generation import gguf

    return str(gguf.convert(gguf.packaged(), settings.MODEL_ROOT / "smollm2-135m-instruct"))


if __name__ == "__main__":
    sys.exit(main())
