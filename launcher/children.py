"""The processes that `bin/start` runs, as command lines."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from common import web_address
from launcher import model, readiness
from launcher.supervisor import Child
from launcher.watching import Signs, Watch

GRACE = {"SAMPLER_GRACE": os.environ.get("SAMPLER_GRACE", "3")}  # somebody pressed Ctrl-C and waits
# Long tasks run one at a time each (common/advisory_lock.py): export, import, insights, screening, webhooks,
# pushes to the Hub. One process stays free.
WORKER_PROCESSES = "7"
WEB_PATIENCE, WORKER_PATIENCE = 25.0, 60.0  # seconds without an answer or a sign of life
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # in which several web processes count together: common/serving/figures.py
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def children(var: Path, host: str, port: int, *, demo: bool, sampler: bool, web_processes: int = 1) -> list[Child]:
    """The web server, the default worker, beat and, unless they run elsewhere, a sampler, which comes first."""
    python, log, url = sys.executable, var / "log", web_address.url(host, port)
    celery = [python, "-m", "celery", "-A", "config"]
    quiet = ["--without-gossip", "--without-mingle"]
    level = (os.environ.get("DUOLOGUE_LOG_LEVEL") or "INFO").upper()
    # A busy process may not hear uvicorn's question for some seconds; that is no reason to replace it.
    signs, figures = var / "run" / "web", var / "run" / "web-figures"
    several = ["--workers", str(web_processes), "--timeout-worker-healthcheck", str(round(WEB_PATIENCE))]
    found = [
        Child(
            "web server",
            [
                *[python, "-m", "uvicorn", "config.asgi:application", "--host", host],
                *["--port", str(port), "--no-access-log", "--lifespan", "on", "--ws", "none"],
                *["--http", "common.serving.bounded_http:BoundedHttp"],
                *["--timeout-graceful-shutdown", "5", "--log-level", level.lower()],
                *(several if web_processes > 1 else []),
            ],
            log / "web.log",
            {**ONE_THREAD, **({SHARED: str(figures)} if web_processes > 1 else {})},
            watch=Watch(partial(readiness.web_answers, url), patience=WEB_PATIENCE),
            signs=Signs(signs, patience=WEB_PATIENCE, figures=figures) if web_processes > 1 else None,
            own_folders=[signs, figures] if web_processes > 1 else [],
        ),
        Child(
            "default worker",
            [*celery, "worker", "-Q", "default", "-c", WORKER_PROCESSES, "-l", level, *quiet, "-n", "default@%h"],
            log / "worker.log",
            ONE_THREAD,
            watch=Watch(partial(readiness.is_alive, url, "worker"), patience=WORKER_PATIENCE),
        ),
        Child(
            "beat",
            [*celery, "beat", "-l", level, "--pidfile=", "-s", str(var / "run" / "beat-schedule")],
            log / "beat.log",
            ONE_THREAD,
        ),
    ]
    if sampler:
        which = ["--model", model.SLUG] if demo else []
        first = Child("sampler", [python, "manage.py", "sampler", *which], log / "sampler.log", GRACE)
        first.watch = Watch(partial(readiness.is_alive, url, "sampler"), patience=WORKER_PATIENCE)
        found.insert(0, first)
    return found
