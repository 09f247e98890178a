"""What a pytest process needs to run beside others: a database, a Valkey database, a var folder and ports of its own.

Loaded by `-p tests.workers` (pyproject.toml), because the environment has to be right before pytest-django reads the
settings. Without pytest-xdist nothing changes but the template database and the ports. Which tests exist, and what
they need beside that, is not decided here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[1]
PORTS = range(10_000, 32_000)  # below those that systems give to outgoing connections
MOST_WORKERS = 8
SECONDS_OF_A_DAY = 86_400
LONG_FILES = ("journeys", "permissions", "operations")
_given: set[int] = set()


def number() -> int:
    """0 for the only process, else 1, 2, … for each worker."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) % MOST_WORKERS + 1 if name else 0


def free_port() -> int:
    """A port on which nothing listens, that no other worker is given, and no second caller in this one."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        if port in _given or port % (MOST_WORKERS + 1) != number():
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def _separate() -> None:
    """A Valkey database and a var folder of this worker's own; the unpacked model is shared."""
    if not number():
        return
    os.environ["REDIS_URL"] = re.sub(r"\bdb=0$", f"db={number()}", os.environ["REDIS_URL"])
    shared = Path(os.environ["DUOLOGUE_VAR"])
    own = shared / "workers" / str(number())
    own.mkdir(parents=True, exist_ok=True)
    (shared / "models").mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (own / "models").symlink_to(shared / "models")
    os.environ["DUOLOGUE_VAR"] = str(own)


_separate()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give no name to a test: packed ones hold the time of packing, and workers have to agree on the names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders with long files first, so that no worker ends long after the other; tests that want the machine last."""
    alone = {item.path for item in items if item.get_closest_marker("alone")}

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(BASE / "tests").parts[0]
        if folder in LONG_FILES:
            return LONG_FILES.index(folder)
        return len(LONG_FILES) + (item.path in alone)

    items.sort(key=turn)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Outside pytest-timeout: waiting for other workers is not part of a test's time."""
    with machine(alone=item.get_closest_marker("alone") is not None):
        let_the_day_turn()
        return (yield)


def let_the_day_turn() -> None:
    """Much is counted by the day, here that of UTC, so no test begins in the last half minute of one."""
    left = SECONDS_OF_A_DAY - time.time() % SECONDS_OF_A_DAY
    if left < 30:
        time.sleep(left + 0.1)


@contextlib.contextmanager
def machine(*, alone: bool) -> Iterator[None]:
    """Hold the machine, shared with other workers' tests or `alone`. Whoever wants it closes the gate for those
    who come later, so that it waits for the tests that run now and for no others."""
    if not number():
        yield
        return
    folder = Path(os.environ["DUOLOGUE_VAR"]).parent
    with (folder / "gate").open("w") as gate, (folder / "machine").open("w") as machine:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


def template_database() -> str:
    """The name of a migrated database from which test databases are copied; made when the migrations have changed."""
    import psycopg2
    from django.conf import settings

    name = f"duologue_template_{_digest()}"
    server = settings.DATABASES["default"]
    connection = psycopg2.connect(
        dbname="postgres", user=server["USER"], password=server["PASSWORD"] or None, host=server["HOST"] or None,
        port=server["PORT"] or None,
    )  # fmt: skip
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(714025)")  # the other workers wait, and find it made
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'duologue\\_template\\_%'")
        there = {row[0] for row in cursor.fetchall()}
        if name in there:
            return name
        for old in there:
            cursor.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}_unfinished"')
        _migrate(f"{name}_unfinished")
        cursor.execute(f'ALTER DATABASE "{name}_unfinished" RENAME TO "{name}"')
    return name


def _digest() -> str:
    """Of everything that the migrations of the product and of the libraries are made of."""
    digest = hashlib.sha256((BASE / "requirements.txt").read_bytes())
    for path in sorted(BASE.glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(database: str) -> None:
    from django.core.management import call_command
    from django.db import connection

    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
