"""Statements that PostgreSQL parses and plans once for each connection, and several of them in one round trip.

For what every task begins and ends with, and for what pages ask each time (`common.compiled`): planning such a
statement takes longer than doing it. psycopg2 knows no prepared statements, so `PREPARE` and `EXECUTE` are sent as what
they are, statements of their own (docs/decisions/0013). Outside a transaction, what is sent together is one
transaction, in which each statement sees what the ones before it waited for.
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
from django.db.backends.utils import CursorWrapper

Value = bool | int | float | str | datetime | UUID | None
_known: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()  # names, by connection of the driver


class Prepared:
    """A statement with the name and the type of each of its parameters, which stand in it as `%(name)s`."""

    def __init__(self, name: str, text: str, types: Mapping[str, str]) -> None:
        self.name = name
        numbers = {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
        values = ", ".join(f"%({parameter})s" for parameter in types)
        statement = (text % numbers).replace("%", "%%")  # it is sent together with values
        self.prepare = f"PREPARE {name}{_listed(', '.join(types.values()))} AS {statement}"
        self.execute = f"EXECUTE {name}{_listed(values)}"


def run(statements: Sequence[Prepared], values: Mapping[str, object]) -> list[tuple[object, ...]]:
    """Execute them in one round trip, in which those are prepared that this connection does not know yet; the rows of
    the last."""
    with connection.cursor() as cursor:
        driver = connection.connection
        if driver not in _known:
            _known[driver] = _asked(cursor)
        known = _known[driver]
        new = [statement for statement in statements if statement.name not in known]
        sent = [*(statement.prepare for statement in new), *(statement.execute for statement in statements)]
        try:
            cursor.execute(";\n".join(sent), cast("Mapping[str, Value]", values))
        except Exception:
            if new:
                del _known[driver]  # a statement that was prepared stays so where what came after it failed
            raise
        known.update(statement.name for statement in new)
        return cast("list[tuple[object, ...]]", cursor.fetchall())


def begin(connection: BaseDatabaseWrapper, **_: object) -> None:
    """What each connection begins with: it knows no statement, and plans each once. PostgreSQL would otherwise plan it
    anew for the first five calls, and for more where it thinks that the values matter. Here they do not:
    `tests/labeling/test_claiming.py` holds the plan."""
    _known[connection.connection] = set()
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")


def _listed(some: str) -> str:
    return f" ({some})" if some else ""


def _asked(cursor: CursorWrapper) -> set[str]:
    cursor.execute("SELECT name FROM pg_prepared_statements")
    return {name for (name,) in cursor.fetchall()}


connection_created.connect(begin, dispatch_uid="prepared_begin")
