"""Kill the worker, flush Redis, restart PostgreSQL: each request still ends exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.sampler.faults import Outcome

ROOT = Path(__file__).resolve().parent.parent.parent


def trial(requests: int, kills: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="duo-") as var:
        done = subprocess.run(
            [sys.executable, "-m", "tests.sampler.faults", var, str(requests), str(kills)],
            cwd=ROOT, capture_output=True, text=True, timeout=560, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        outcome: Outcome = json.loads(done.stdout.strip().splitlines()[-1])
        return outcome


def judge(outcome: Outcome, requests: int, kills: int) -> None:
    assert outcome["faults"] == {"kill": kills, "flush": 2, "restart": 1}
    assert outcome["states"] == {"done": requests}, (outcome["errors"], outcome["worker_log"])
    assert outcome["completions_each"] == [2]
    assert outcome["strikes"] == 0
    assert sum(n for tries, n in outcome["tries"].items() if int(tries) > 1) > 0  # the kills did hit something
    assert outcome["worker_status"] == 0


@pytest.mark.timeout(600)
def test_requests_end_once_though_the_worker_is_killed() -> None:
    judge(trial(40, 1), 40, 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_requests_end_once_though_the_worker_is_killed_five_times() -> None:
    judge(trial(200, 5), 200, 5)
