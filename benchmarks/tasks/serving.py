"""The servers that are compared, and the processor time of everything that works for them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import psycopg2

from benchmarks import services
from common import processes

THREADS = 16  # of a web process, each with a database connection; what the product has by default


@contextlib.contextmanager
def floor(url: str, *, count: int) -> Iterator[tuple[str, int]]:
    """The bare application under gunicorn; its address and process."""
    options = [
        "--workers",
        str(count),
        "--threads",
        str(THREADS),
        "--worker-class",
        "gthread",
        "--keep-alive",
        "60",
        "--log-level",
        "error",
        "--no-control-socket",
    ]
    with _started("gunicorn", "benchmarks.tasks.floor:application", ["--bind", "{host}:{port}", *options], url) as made:
        yield made


@contextlib.contextmanager
def product(url: str, *, count: int) -> Iterator[tuple[str, int]]:
    """The application as `bin/start` serves it, but for the throttle and a Server-Timing header."""
    options = ["--workers", str(count), "--log-level", "error", "--no-access-log", "--lifespan", "off"]
    arguments = ["--host", "{host}", "--port", "{port}", *options, "--timeout-graceful-shutdown", "1"]
    with _started("uvicorn", services.ASGI, arguments, url) as made:
        yield made


@contextlib.contextmanager
def _started(module: str, application: str, arguments: list[str], url: str) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    filled = [argument.format(host="127.0.0.1", port=port) for argument in arguments]
    more = {
        "DATABASE_URL": url,
        "DUOLOGUE_LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
        "DUOLOGUE_API_RATE": "1000000000/min",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", module, application, *filled],
        cwd=services.ROOT, env=os.environ | more, stdin=subprocess.DEVNULL,
        preexec_fn=processes.die_with_parent(signal.SIGTERM),
    )  # fmt: skip
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit("The server did not start; its error is above.")


def postmaster(url: str) -> int:
    """PostgreSQL's first process. Refuses a server that may lose what it acknowledged: its figures mean nothing."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for setting in ("fsync", "synchronous_commit"):
            cursor.execute("SELECT current_setting(%s)", [setting])
            if (value := (cursor.fetchone() or [""])[0]) != "on":
                raise SystemExit(f"PostgreSQL runs with {setting}={value}.")
        cursor.execute("SELECT pg_backend_pid()")
        return int(psutil.Process((cursor.fetchone() or [0])[0]).ppid())


def processor_seconds(*roots: int) -> float:
    """What these processes and all that they started have used so far, those that ended included."""
    total = 0.0
    for root in roots:
        process = psutil.Process(root)
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                own = child.cpu_times()
                total += own.user + own.system
    return total
