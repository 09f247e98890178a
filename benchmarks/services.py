"""What a benchmark runs on: PostgreSQL and Valkey, a database of its own, a web server.

Every benchmark is run as `python -m benchmarks.NAME` and needs nothing prepared. The servers are those that
DATABASE_URL and REDIS_URL name; where one is not named, it is the server of the var folder (DUOLOGUE_VAR, else
`var`): one that runs is used, else it is started here and stopped at the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from common import embedded, environment, processes

ROOT = Path(__file__).resolve().parent.parent
ASGI = "benchmarks.timed:application"
UVICORN = ("--log-level", "error", "--no-access-log", "--lifespan", "off", "--timeout-graceful-shutdown", "1")


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """Both servers for the length of a block, their addresses in the environment: child processes find them too."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL")}
    with contextlib.ExitStack() as stack:
        if missing := embedded.needed():
            found = stack.enter_context(embedded.running(environment.var_dir(ROOT), missing))
            os.environ["DATABASE_URL"] = before["DATABASE_URL"] or found.database_url
            os.environ["REDIS_URL"] = before["REDIS_URL"] or found.redis_url
        try:
            yield
        finally:
            for name, value in before.items():
                _restore(name, value)


@contextlib.contextmanager
def own_database(suffix: str, *, keep: bool = False) -> Iterator[str]:
    """A database beside the one of DATABASE_URL, which names it for the length of the block; then it is dropped.

    `keep` leaves it there and takes up one that an earlier run left. Only within `servers`.
    """
    given = os.environ["DATABASE_URL"]
    parts = urlsplit(given)
    name = f"{parts.path.lstrip('/')}_{suffix}"
    own = urlunsplit(parts._replace(path=f"/{name}"))
    with contextlib.closing(psycopg2.connect(given)) as admin, admin.cursor() as cursor:
        admin.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        there = cursor.fetchone() is not None
        if there and not keep:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        if not (there and keep):
            cursor.execute(f'CREATE DATABASE "{name}"')
        os.environ["DATABASE_URL"] = own
        try:
            yield own
        finally:
            os.environ["DATABASE_URL"] = given
            if not keep:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextlib.contextmanager
def django_on(database_url: str) -> Iterator[None]:
    """Django set up in this process on that database, migrated. Once in a process: settings are read once."""
    os.environ["DATABASE_URL"] = database_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        connections.close_all()


@contextlib.contextmanager
def web_server(database_url: str, **more: str) -> Iterator[str]:
    """uvicorn on that database, `more` added to its environment; its address. It ends with this process."""
    with served("uvicorn", ASGI, *UVICORN, "--port", "{port}", DATABASE_URL=database_url, **more) as (address, _):
        yield address


@contextlib.contextmanager
def served(module: str, application: str, *options: str, **more: str) -> Iterator[tuple[str, int]]:
    """A web server of that module on a free port, which takes the place of {port} in its options; its address and
    process. It answers, and ends with this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"DUOLOGUE_LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"} | more
    process = subprocess.Popen(
        [sys.executable, "-m", module, application, *(option.format(port=port) for option in options)],
        cwd=ROOT, env=env, stdin=subprocess.DEVNULL, preexec_fn=processes.die_with_parent(signal.SIGTERM),
    )  # fmt: skip
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise TimeoutError("The web server did not start; its error is above.") from None
            time.sleep(0.2)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
