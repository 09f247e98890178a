"""The least that giving and taking a ranking can cost: a bare WSGI application on psycopg2, two transactions a task.

`gunicorn benchmarks.tasks.floor:application` serves it; `prepare` makes its tables beside the product's, with texts of
the same lengths. It checks nothing, so nobody may work with it: it says what PostgreSQL and HTTP allow here.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable
from typing import IO, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg2
import psycopg2.extras
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

TABLES = """
CREATE TABLE IF NOT EXISTS floor_comparison (
    id bigint PRIMARY KEY, prompt text NOT NULL, state text NOT NULL, opened_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS floor_completion (
    id bigint PRIMARY KEY, comparison_id bigint NOT NULL REFERENCES floor_comparison, text text NOT NULL);
CREATE TABLE IF NOT EXISTS floor_lease (
    id bigserial PRIMARY KEY, comparison_id bigint NOT NULL REFERENCES floor_comparison, trainer text NOT NULL,
    state text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS floor_ranking (
    id bigserial PRIMARY KEY, lease_id bigint NOT NULL UNIQUE REFERENCES floor_lease,
    submitted_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS floor_item (
    ranking_id bigint NOT NULL REFERENCES floor_ranking, completion_id bigint NOT NULL REFERENCES floor_completion,
    place smallint NOT NULL, PRIMARY KEY (ranking_id, completion_id));
"""
INDEXES = """
CREATE INDEX IF NOT EXISTS floor_open ON floor_comparison (opened_at, id) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS floor_of ON floor_completion (comparison_id);
"""
FILL = """
INSERT INTO floor_comparison
SELECT n, %(prompt)s || n, 'open', now() - n * interval '1 millisecond' FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO floor_completion
SELECT n * 4 + i, n, %(text)s || md5((n * 4 + i)::text)
FROM generate_series(%(first)s, %(last)s) n CROSS JOIN generate_series(0, 3) i;
"""
LEASE = """
WITH free AS (
    SELECT id FROM floor_comparison WHERE state = 'open' ORDER BY opened_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
taken AS (UPDATE floor_comparison c SET state = 'leased' FROM free WHERE c.id = free.id RETURNING c.id, c.prompt),
lease AS (
    INSERT INTO floor_lease (comparison_id, trainer, state) SELECT id, %s, 'leased' FROM taken
    RETURNING id, comparison_id)
SELECT lease.id, taken.id, taken.prompt FROM lease JOIN taken ON taken.id = lease.comparison_id
"""
READ = "SELECT id, text FROM floor_completion WHERE comparison_id = %s ORDER BY id"
RANK = "INSERT INTO floor_ranking (lease_id) VALUES (%s) RETURNING id"
ITEMS = "INSERT INTO floor_item (ranking_id, completion_id, place) VALUES %s"
FINISH = """
WITH ended AS (UPDATE floor_lease SET state = 'submitted' WHERE id = %s RETURNING comparison_id)
UPDATE floor_comparison SET state = 'closed' FROM ended WHERE floor_comparison.id = ended.comparison_id
"""

_of_thread = threading.local()


def prepare(url: str) -> None:
    """The tables, empty where they are new."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(TABLES + INDEXES)


def fill(url: str, *, count: int, prompt: str, text: str) -> None:
    """More comparisons of four completions until `count` are open, vacuumed and written out."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT count(*) FILTER (WHERE state = 'open'), coalesce(max(id), 0) FROM floor_comparison")
        there, last = cursor.fetchone() or (0, 0)
        cursor.execute(FILL, {"first": last + 1, "last": last + count - there, "prompt": prompt, "text": text})
        cursor.execute("VACUUM (ANALYZE) floor_comparison, floor_completion")
        cursor.execute("CHECKPOINT")


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """`POST /next` gives a task, `PUT /rank` takes its ranking."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = json.loads(cast("IO[bytes]", environ["wsgi.input"]).read(size))
    connection = _connection()
    with connection, connection.cursor() as cursor:  # commits
        found = _next(cursor, body) if environ["PATH_INFO"] == "/next" else _rank(cursor, body)
    answer = json.dumps(found).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
    start_response("200 OK", headers)
    return [answer]


def _next(cursor: Cursor, body: dict[str, str]) -> dict[str, object]:
    cursor.execute(LEASE, [body["trainer"]])
    found = cursor.fetchone()
    if found is None:
        raise LookupError("No comparison is left: make more of them.")
    lease, comparison, prompt = found
    cursor.execute(READ, [comparison])
    completions = [{"id": pk, "text": text} for pk, text in cursor.fetchall()]
    return {"id": lease, "comparison": {"id": comparison, "prompt": prompt, "completions": completions}}


def _rank(cursor: Cursor, body: dict[str, object]) -> dict[str, object]:
    order = cast("list[int]", body["order"])
    cursor.execute(RANK, [body["id"]])
    (ranking,) = cursor.fetchone() or (None,)
    psycopg2.extras.execute_values(cursor, ITEMS, [(ranking, pk, place) for place, pk in enumerate(order, 1)])
    cursor.execute(FINISH, [body["id"]])
    return {"id": ranking}


def _connection() -> Connection:
    """The thread's own, opened once."""
    if not hasattr(_of_thread, "connection"):
        _of_thread.connection = psycopg2.connect(os.environ["DATABASE_URL"])
    return cast("Connection", _of_thread.connection)
