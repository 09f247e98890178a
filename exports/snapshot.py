"""One consistent, streaming view of the database as of a cutoff.

An export describes the instant `cutoff`. A row dated before it may still be uncommitted, so
`snapshot` first waits until every transaction that was open at the cutoff has ended (for 65 s at
most; then it refuses), and only then takes one REPEATABLE READ snapshot, on a connection
of its own. What is in the files is therefore a function of the cutoff, whoever runs it and when.

Memory is constant either way of reading. `stream`: a server-side cursor walks the ids in order, and
each batch of ids is assembled by PostgreSQL into one JSON text a row; a thread reads one batch
ahead, so that PostgreSQL and Python work at the same time. `spooled`, for the millions: every table
once from front to back by COPY, joined and sorted by `exports/spool.py`.
"""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
import psycopg2
from django.db import connection
from psycopg2.extensions import BYTES, ISOLATION_LEVEL_REPEATABLE_READ, new_type

from exports import assistants
from exports.spool import Spooled, Table

Result = TypeVar("Result")

BATCH = 500
WAIT_SECONDS = 65.0
APPLICATION = "duologue-export"
_JSON = new_type((114, 25), "JSON_BYTES", BYTES)

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
# A batch is a list of primary keys: lookups beat any plan that reads a whole table.
_LOOKUPS_ONLY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
_ANY_PLAN = _LOOKUPS_ONLY.replace("= off", "= on")
# Whole tables: narrow ones are joined first, as the query says, so that texts pass through one join; helpers of
# PostgreSQL's own would copy each row once more, while other processes are there to take the processors.
_FRONT_TO_BACK = """
    SET LOCAL work_mem = '160MB'; SET LOCAL join_collapse_limit = 1; SET LOCAL max_parallel_workers_per_gather = 0
"""
_AS_EVER = """
    SET LOCAL work_mem = '64MB'; SET LOCAL join_collapse_limit TO DEFAULT;
    SET LOCAL max_parallel_workers_per_gather TO DEFAULT
"""


class Unsettled(Exception):
    """The state at the cutoff is not final yet; the message says why."""


class Snapshot:
    """Reads within one snapshot. Made by `snapshot`."""

    def __init__(self, raw: Any, *, read_ahead: bool, scratch: Path, name: str = "") -> None:
        self._raw = raw
        self._name = name  # under which others may read the same
        self._scratch = scratch
        self._read_ahead = read_ahead

    @contextmanager
    def _named(self) -> Iterator[Any]:
        """A server-side cursor; one whose transaction ended before it cannot be closed, and need not be."""
        cursor = self._raw.cursor(f"export_{time.monotonic_ns()}")
        try:
            yield cursor
        finally:
            with suppress(psycopg2.Error):
                cursor.close()

    @contextmanager
    def beside(self, read: Callable[..., Result], *arguments: Any) -> Iterator[Callable[[], Result]]:
        """Start `read(snapshot, *arguments)` in a process of its own, in the same snapshot; the function that is
        handed out waits for what it found. Inside a caller's transaction it reads when asked."""
        if not self._name:
            yield cache(lambda: read(self, *arguments))
            return
        with assistants.started(_read_beside, _parameters(), self._name, read, arguments) as answers:
            yield cache(lambda: next(answers))

    def query(self, sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """A small result, whole."""
        with self._raw.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def walk(self, sql: str, params: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """A result of any size, by a server-side cursor."""
        with self._named() as cursor:
            cursor.itersize = 2_000
            cursor.execute(sql, params)
            yield from cursor

    def stream(self, ids_sql: str, rows_sql: str, params: Mapping[str, Any]) -> Iterator[Any]:
        """Parsed JSON rows of `rows_sql`, which takes `%(ids)s`, in the order of `ids_sql`."""
        batches = self._batches(ids_sql, rows_sql, params)
        for batch in _ahead(batches) if self._read_ahead else batches:
            for (text,) in batch:
                yield orjson.loads(text)

    @contextmanager
    def spooled(
        self, queries: Sequence[str], params: Mapping[str, Any], *, bits: int, shared: bool
    ) -> Iterator[Spooled]:
        """A table of rows for each query, whose first column is the key, a uuid; `bits` of it tell buckets apart.
        Each query is read once; `shared`, all but the last by a process beside."""
        with tempfile.TemporaryDirectory(prefix=".spool-", dir=self._scratch) as folder, ExitStack() as stack:
            tables = [Path(folder) / str(number) for number in range(len(queries))]
            work = list(zip(queries, tables, strict=True))
            done: Iterator[None] = iter([None])
            if self._name and shared:
                beside = (_spool_beside, _parameters(), self._name, work[:-1], params, bits)
                done = stack.enter_context(assistants.started(*beside))
                work = work[-1:]
            _spool(self._raw, work, params, bits)
            next(done)
            yield Spooled(tuple(tables), bits)

    def _batches(self, ids_sql: str, rows_sql: str, params: Mapping[str, Any]) -> Iterator[list[tuple[bytes]]]:
        with self._named() as ids, self._raw.cursor() as rows:
            ids.itersize = BATCH * 20
            ids.execute(ids_sql, params)
            rows.execute(_LOOKUPS_ONLY)
            psycopg2.extensions.register_type(_JSON, rows)
            batch: list[str] = []
            for (key,) in ids:
                batch.append(str(key))
                if len(batch) == BATCH:
                    rows.execute(rows_sql, {**params, "ids": batch})
                    yield rows.fetchall()
                    batch = []
            if batch:
                rows.execute(rows_sql, {**params, "ids": batch})
                yield rows.fetchall()
            rows.execute(_ANY_PLAN)


@contextmanager
def snapshot(cutoff: datetime, *, scratch: Path) -> Iterator[Snapshot]:
    """The database as of `cutoff`; `scratch` is a folder on the disk for what does not fit in memory.

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
        yield Snapshot(connection.connection, read_ahead=False, scratch=scratch)
        return
    raw = _connect(_parameters())
    try:
        with raw.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            name = cursor.fetchone()[0]
        yield Snapshot(raw, read_ahead=True, scratch=scratch, name=name)
    finally:
        raw.close()


def _parameters() -> dict[str, Any]:
    """How Django connects."""
    given = connection.get_connection_params()
    return {k: v for k, v in given.items() if k not in {"cursor_factory", "context"}} | {
        "application_name": APPLICATION
    }


def _connect(parameters: Mapping[str, Any], name: str = "") -> Any:
    """A connection of our own in a REPEATABLE READ snapshot: a new one, or that of this name."""
    raw = psycopg2.connect(**parameters)
    raw.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
    with raw.cursor() as cursor:
        if name:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [name])
        for setting in _SETTINGS:
            cursor.execute(setting)
    return raw


def _spool(raw: Any, work: Sequence[tuple[str, Path]], params: Mapping[str, Any], bits: int) -> None:
    """Each query into the table of its path."""
    with raw.cursor() as cursor:
        cursor.execute(_FRONT_TO_BACK)
        for query, path in work:
            with closing(Table(path, bits)) as table:
                text = cursor.mogrify(query, params).decode()
                cursor.copy_expert(f"COPY ({text}) TO STDOUT (FORMAT binary)", table)
        cursor.execute(_AS_EVER)


def _spool_beside(
    parameters: Mapping[str, Any], name: str, work: Sequence[tuple[str, Path]], params: Mapping[str, Any], bits: int
) -> Iterator[None]:
    """Run by an assistant."""
    with closing(_connect(parameters, name)) as raw:
        _spool(raw, work, params, bits)
    yield None


def _read_beside(
    parameters: Mapping[str, Any], name: str, read: Callable[..., Result], arguments: Sequence[Any]
) -> Iterator[Result]:
    """Run by an assistant."""
    with closing(_connect(parameters, name)) as raw:
        yield read(Snapshot(raw, read_ahead=False, scratch=Path()), *arguments)


def settle(cutoff: datetime, *, wait: float = WAIT_SECONDS, sleep: Callable[[float], None] = time.sleep) -> None:
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


def now() -> datetime:
    """The database's clock: the default cutoff."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant


def _ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """The same batches, read by a thread that stays at most two ahead."""
    filled: queue.Queue[Any] = queue.Queue(maxsize=2)
    stop = threading.Event()

    def put(item: Any) -> bool:
        while not stop.is_set():
            try:
                filled.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:  # handed to the reader, raised there
            put(error)

    thread = threading.Thread(target=read, name="export-read-ahead", daemon=True)
    thread.start()
    try:
        while (item := filled.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
