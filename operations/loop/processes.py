"""The processes that `demo_loop` starts: a sampler worker where none runs, and training."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from django.conf import settings

from common import processes
from common.shapes import JsonObject
from operations.loop.project import LoopError
from sampler import status

Say = Callable[[str], None]
APPEARS_WITHIN = 120.0  # seconds


def is_served(slugs: Sequence[str]) -> bool:
    """Whether living workers take every one of these model versions."""
    living = [worker for worker in status.workers() if not worker.get("stopping")]
    return all(any(not w["serves"] or slug in w["serves"] for w in living) for slug in slugs)


@contextlib.contextmanager
def sampler_for(slugs: Sequence[str], *, log: Path, say: Say) -> Iterator[Callable[[], None]]:
    """The running sampler worker, or one of our own as long as the block lasts.

    Yields a check, to be called while waiting.

    Raises:
        LoopError: our worker does not come up, or (from the check) ended early; with the last line of its log.
    """
    if is_served(slugs):
        say("a sampler worker is running and is used")
        yield lambda: None
        return
    say(f"no sampler worker is running: one is started for {' and '.join(slugs)}")
    command = [sys.executable, "manage.py", "sampler", *(part for slug in slugs for part in ("--model", slug))]
    with log.open("ab") as output:
        worker = subprocess.Popen(
            command, cwd=settings.BASE_DIR, stdout=output, stderr=output, env=_environment(),
            preexec_fn=processes.die_with_parent(),
        )  # fmt: skip

    def check() -> None:
        if worker.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise LoopError(f"The sampler worker ended ({worker.returncode}): {lines[-1]}")

    try:
        deadline = time.monotonic() + APPEARS_WITHIN
        while not is_served(slugs):
            check()
            if time.monotonic() > deadline:
                raise LoopError(f"The sampler worker did not come up within {APPEARS_WITHIN:.0f} s; see {log}.")
            time.sleep(0.2)
        yield check
    finally:
        worker.terminate()
        try:
            worker.wait(settings.SAMPLER_GRACE_SECONDS + 10)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def run_training(module: str, *arguments: str, say: Say) -> JsonObject:
    """Run `python -m module …`, hand on what it says of its progress, return the JSON of its last line.

    A process of its own, so that the memory is given back when it ends.

    Raises:
        LoopError: with its own last words.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=settings.BASE_DIR, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=_environment(), preexec_fn=processes.die_with_parent(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    last = "it said nothing"
    try:
        for line in process.stderr:
            last = line.strip() or last
            if last.startswith(("step", "error")) or "to train on" in last:
                say(last)
        out = process.stdout.read()
    finally:
        process.terminate()
        code = process.wait()
        process.stdout.close()
        process.stderr.close()
    if code != 0 or not out.strip():
        raise LoopError(f"{module} failed: {last.removeprefix('error: ')}")
    facts: JsonObject = json.loads(out.strip().splitlines()[-1])
    return facts


def _environment() -> dict[str, str]:
    # Threads that wait without spinning: on two cores, spinning ones take the time of those that work.
    return {**os.environ, "OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false"}


def peak_memory() -> float:
    """GiB, of the largest process so far: this one or one that it started and that has ended."""
    sizes = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(sizes) / (2**30 if sys.platform == "darwin" else 2**20)
