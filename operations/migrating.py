"""Migrations while people work: none of them waits long for a lock, since everybody else then waits behind it."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

LOCK_TIMEOUT = "2s"
PATIENCE = 300.0  # seconds over all tries
NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a lock that was not to be had in time


def migrate(*, say: Callable[[str], object], patience: float = PATIENCE) -> None:
    """Apply what is missing. A migration that does not get its locks is rolled back and tried again.

    Raises:
        OperationalError: it did not get them for `patience` seconds.
    """
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    until = time.monotonic() + patience
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
            call_command("migrate", interactive=False, verbosity=0)
            return
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") != NOT_AVAILABLE or time.monotonic() > until:
                raise
            say("  a migration waits for a table that is in use; it is tried again")
            time.sleep(1.0)
        finally:
            if connection.connection is not None and connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
