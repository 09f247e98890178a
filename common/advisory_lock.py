"""One at a time across all workers: a PostgreSQL advisory lock that dies with the connection that took it.

Long tasks take it, so that however many of them are due, the default worker keeps processes free for the
short ones (leases, settled replies, doorbells) that people wait for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.utils import InterfaceError, OperationalError


@contextmanager
def try_advisory_lock(name: str) -> Iterator[bool]:
    """True inside the block where nobody else is in a block of this name; False where somebody is."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
            except (InterfaceError, OperationalError):
                pass  # the connection is gone, and the lock with it
