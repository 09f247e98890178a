"""Statements that PostgreSQL parses and plans once for each connection, and several of them in one round trip.

For the few that every task begins and ends with: planning such a statement takes longer than doing it. psycopg2 knows
no prepared statements, so `PREPARE` and `EXECUTE` are sent as what they are, statements of their own (docs/decisions/
0013). Outside a transaction, what is sent together is one transaction, in which each statement sees what the ones
before it waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

Value = bool | int | float | str | datetime | UUID | None
_known: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()  # names, by connection of the driver


class Prepared:
    """A statement with the name and the type of each of its parameters, which stand in it as `%(name)s`."""

    def __init__(self, name: str, text: str, types: Mapping[str, str]) -> None:
        self.name = name
        numbers = {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
        self.prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {text % numbers}"
        self.execute = f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in types)})"


def run(statements: Sequence[Prepared], values: Mapping[str, Value]) -> list[tuple[object, ...]]:
    """Execute them in one round trip; the rows of the last."""
    with connection.cursor() as cursor:
        known = _known.setdefault(connection.connection, set())
        for statement in statements:
            if statement.name not in known:
                cursor.execute(statement.prepare)
                known.add(statement.name)
        cursor.execute(";\n".join(statement.execute for statement in statements), values)
        return cast("list[tuple[object, ...]]", cursor.fetchall())


def plan_once(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Otherwise PostgreSQL plans a prepared statement anew for the first five calls, and for more where it thinks that
    the values matter. Here they do not: `tests/labeling/test_claiming.py` holds the plan."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")


connection_created.connect(plan_once, dispatch_uid="plan_once")
