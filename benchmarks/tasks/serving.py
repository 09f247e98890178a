"""The servers that are compared, and the processor time of everything that works for them."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import psutil
import psycopg2

from benchmarks import services

THREADS = 16  # of a web process, each with a database connection; what the product has by default


def floor(url: str, *, count: int) -> AbstractContextManager[tuple[str, int]]:
    """The bare application under gunicorn; its address and process."""
    return services.served(
        "gunicorn", "benchmarks.tasks.floor:application", "--bind", "127.0.0.1:{port}", "--workers", str(count),
        "--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "60", "--log-level", "error",
        "--no-control-socket", DATABASE_URL=url,
    )  # fmt: skip


def product(url: str, *, count: int) -> AbstractContextManager[tuple[str, int]]:
    """The application as `bin/start` serves it, but for the throttle and a Server-Timing header."""
    return services.served(
        "uvicorn", services.ASGI, *services.UVICORN, "--port", "{port}", "--workers", str(count), DATABASE_URL=url,
        DUOLOGUE_API_RATE="1000000000/min", DUOLOGUE_WEB_THREADS=str(THREADS),
    )  # fmt: skip


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
