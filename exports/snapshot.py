"""One consistent, streaming view of the database as of a cutoff.

An export describes the instant `cutoff`. A row dated before it may still be uncommitted, so
`snapshot` first waits until every transaction that was open at the cutoff has ended (for 65 s at
most; then it refuses), and only then takes one REPEATABLE READ snapshot, on a connection
of its own. What is in the files is therefore a function of the cutoff, whoever runs it and when.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg2
from django.db import connection
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

BATCH = 500
WAIT_SECONDS = 65.0
APPLICATION = "duologue-export"

# Sessions that only read for long and so cannot add a row: other exports and dumps.
_OLDER_WRITERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND xact_start <= %s AND application_name NOT IN (%s, 'pg_dump')
"""
_SETTINGS = (
    "SET LOCAL client_min_messages = warning",
    "SET LOCAL transaction_timeout = 0",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL cursor_tuple_fraction = 1",
)


class Unsettled(Exception):
    """The state at the cutoff is not final yet; the message says why."""


def instant(moment: dt.datetime) -> str:
    """`2026-11-22T10:00:00.000000Z`: always six digits, so that no reader takes it for a timestamp, and so that
    instants compare as they read."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Snapshot:
    """Reads within one snapshot. Made by `snapshot`."""

    def __init__(self, raw: Connection) -> None:
        self._raw = raw

    def read(self, sql: str, parameters: Mapping[str, object]) -> Iterator[str]:
        """The texts of the one column of `sql`, in its order, by a server-side cursor: memory is constant.

        A thread fetches one batch ahead, so that PostgreSQL and Python work at the same time.
        """
        cursor = self._raw.cursor(f"export_{time.monotonic_ns()}")
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="export-read-ahead") as reader:
                cursor.execute(sql, parameters)
                ahead = reader.submit(cursor.fetchmany, BATCH)
                while batch := ahead.result():
                    ahead = reader.submit(cursor.fetchmany, BATCH)
                    for (text,) in batch:
                        yield text
        finally:
            with suppress(psycopg2.Error):  # one whose transaction ended before it cannot be closed, and need not be
                cursor.close()


@contextmanager
def snapshot(cutoff: dt.datetime) -> Iterator[Snapshot]:
    """The database as of `cutoff`.

    A caller that is inside a transaction gets that transaction's view, its own uncommitted rows
    included; everybody else gets a connection of their own in REPEATABLE READ.

    Raises:
        Unsettled: `cutoff` lies ahead, or a transaction from before it would not end.
    """
    settle(cutoff)
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            for setting in _SETTINGS:
                cursor.execute(setting)
        yield Snapshot(connection.connection)
        return
    given = connection.get_connection_params()
    parameters = {k: v for k, v in given.items() if k not in {"cursor_factory", "context", "application_name"}}
    raw = psycopg2.connect(**parameters, application_name=APPLICATION)
    try:
        raw.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
        with raw.cursor() as cursor:
            for setting in _SETTINGS:
                cursor.execute(setting)
        yield Snapshot(raw)
    finally:
        raw.close()


def settle(cutoff: dt.datetime, *, wait: float = WAIT_SECONDS, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return once no transaction that was open at `cutoff` is open any more.

    Raises:
        Unsettled: `cutoff` lies ahead, or such a transaction outlasted `wait`.
    """
    deadline = time.monotonic() + wait
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() >= %s", [cutoff])
        if not cursor.fetchone()[0]:
            raise Unsettled(f"The cutoff {cutoff.isoformat()} lies ahead; it must be in the past.")
        while True:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # inside a transaction the view is frozen otherwise
            cursor.execute(_OLDER_WRITERS, [cutoff, APPLICATION])
            if not cursor.fetchone()[0]:
                return
            if time.monotonic() >= deadline:
                raise Unsettled(
                    f"A transaction from before {cutoff.isoformat()} is still open after {wait:.0f} s; "
                    "end it or try again."
                )
            sleep(0.05)


def now() -> dt.datetime:
    """The database's clock: the default cutoff."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: dt.datetime = cursor.fetchone()[0]
        return moment
