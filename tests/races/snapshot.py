"""All rows of the database as they stand at an instant, and back to them in some milliseconds.

A pair of writes is run a hundred times from the same beginning. To make that anew through the site's own functions
costs many times what the two writes cost; here it is made once, and every table is put back from a copy.
"""

from __future__ import annotations

from django.db import connection, transaction

LEFT_ALONE = "django_migrations"


class Snapshot:
    """Copies of all tables in a schema of that name."""

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def take(self) -> None:
        """Copy what stands now."""
        tables = _tables()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE; CREATE SCHEMA {self.schema}")
            filled = [table for table in tables if _has_rows(table)]
            for table in filled:
                cursor.execute(f'CREATE TABLE {self.schema}."{table}" AS TABLE public."{table}"')
            steps = [f'DELETE FROM public."{table}";' for table in tables]
            steps += [f'INSERT INTO public."{table}" SELECT * FROM {self.schema}."{table}";' for table in filled]
            body = "\n".join(steps)
            head = f"CREATE FUNCTION {self.schema}.put_back() RETURNS void LANGUAGE plpgsql AS"
            cursor.execute(f"{head} $body$ BEGIN\n{body}\nEND $body$")

    def put_back(self) -> None:
        """Whatever was written since then is gone. No trigger and no foreign key looks at this."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"SELECT {self.schema}.put_back()")

    def drop(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")


def everything() -> dict[str, str]:
    """Of every table a sum of its rows, in whatever order they lie."""
    with connection.cursor() as cursor:
        found = {}
        for table in _tables():
            cursor.execute(f"SELECT md5(string_agg(row::text, E'\\n' ORDER BY row::text)) FROM public.\"{table}\" row")
            found[table] = str(cursor.fetchone())
    return found


def _tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        return [name for (name,) in cursor.fetchall() if name != LEFT_ALONE]


def _has_rows(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT EXISTS (SELECT 1 FROM public."{table}")')
        (found,) = cursor.fetchone()
    return bool(found)
