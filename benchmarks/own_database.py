"""A database of a benchmark's own, beside yours. Imported once Django is set up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.db import connection


@contextlib.contextmanager
def own_database(kept: str = "") -> Iterator[str]:
    """A database of this run's own on the same server, so that nothing of yours is touched. One that is `kept` under
    a name stays at the end, and is taken up by the next run."""
    name = f"duologue_benchmark_{kept or os.getpid()}"
    admin = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        facts = connection.settings_dict
        user = f"{quote(facts['USER'] or '')}:{quote(facts['PASSWORD'] or '')}@"
        yield f"postgresql://{user}/{name}?host={quote(facts['HOST'] or '')}" + (
            f"&port={facts['PORT']}" if facts["PORT"] else ""
        )
    finally:
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = admin
        if not kept:
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.close()
