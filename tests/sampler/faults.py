"""A trial in a process of its own: workers are killed, Redis is flushed, PostgreSQL restarted, and
every request must still end exactly once. Prints what became of them as one line of JSON.

    python -m tests.sampler.faults VAR_FOLDER REQUESTS KILLS
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent.parent
UNTIL = time.monotonic() + 500


class Outcome(TypedDict):
    """What became of the requests of a trial."""

    faults: dict[str, int]
    states: dict[str, int]
    errors: list[str]
    completions_each: list[int]
    tries: dict[str, int]
    strikes: int
    worker_status: int
    worker_log: str


def main(var: Path, wanted: int, kills: int) -> Outcome:
    os.environ |= {"DUOLOGUE_VAR": str(var), "SAMPLER_LEASE": "2", "DJANGO_SETTINGS_MODULE": "config.settings"}
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    from common import embedded

    with embedded.running(var):
        return trial(var, wanted, kills)


def trial(var: Path, wanted: int, kills: int) -> Outcome:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    ask(wanted)
    # After so many have ended: kill, flush, restart. All in the course of the work, none after it.
    plan = [(wanted * (i + 1) // (kills + 3), "kill") for i in range(kills)]
    plan += [(wanted // 4, "flush"), (wanted // 2, "restart"), (wanted * 2 // 3, "flush")]
    done_to: list[str] = []
    worker = start()
    try:
        for at, action in sorted(plan):
            if not wait_until_ended(at, below=wanted):
                break
            done_to.append(action)
            if action == "kill":
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                worker = start()
            else:
                flush() if action == "flush" else restart_postgresql(var)
        wait_until_ended(wanted)
    finally:
        worker.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(20)
        worker.kill()
    return outcome(done_to, worker.returncode, var / "worker.log")


def ask(wanted: int) -> None:
    """So many requests for two completions each, a tenth of them interactive."""
    from sampler import registry, sampling

    version, _ = registry.register_model(slug="faulty", engine="fake", location="delay=0.03&slots=12&tokens=10")
    for number in range(wanted):
        sampling.request_completions(
            model_version=version, prompt=[{"role": "user", "content": f"Question {number}"}], n=2,
            priority=0 if number % 10 == 0 else 10,
        )  # fmt: skip


def wait_until_ended(wanted: int, *, below: int | None = None) -> bool:
    """Until so many requests have ended; False where all have, or the time is up."""
    from django.db import connection
    from django.db.utils import InterfaceError, OperationalError

    from sampler import tasks
    from sampler.models import SampleRequest

    while time.monotonic() < UNTIL:
        time.sleep(0.2)
        try:
            tasks.ring()
            ended = SampleRequest.objects.filter(finished_at__isnull=False).count()
        except (OperationalError, InterfaceError):
            connection.close()
            continue
        if ended >= wanted:
            return below is None or ended < below
    return False


def flush() -> None:
    from sampler import streams

    streams.client().flushall()


def restart_postgresql(var: Path) -> None:
    pid = int((next(var.glob("**/postmaster.pid"))).read_text().split()[0])
    os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown; its supervisor starts it again


def outcome(done_to: list[str], worker_status: int, log: Path) -> Outcome:
    from sampler.models import Completion, SampleRequest

    rows = list(SampleRequest.objects.all())
    texts = collections.Counter(Completion.objects.values_list("request_id", flat=True))
    return {
        "faults": dict(collections.Counter(done_to)),
        "states": dict(collections.Counter(r.state for r in rows)),
        "errors": sorted({r.error for r in rows if r.state == "failed"}),
        "completions_each": sorted({texts[r.pk] for r in rows}),
        "tries": dict(collections.Counter(str(r.attempts) for r in rows)),
        "strikes": sum(r.strikes for r in rows),
        "worker_status": worker_status,
        "worker_log": "" if len(rows) == len(texts) else log.read_text()[-4000:],
    }


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "sampler", "--model", "faulty"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=(Path(os.environ["DUOLOGUE_VAR"]) / "worker.log").open("ab"),
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
