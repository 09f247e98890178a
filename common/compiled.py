"""Queries that Django compiles to SQL once: what a page asks with other values each time is executed from then on.

To build a query of ten conditions and to write its SQL takes Django longer than PostgreSQL takes to answer it, and to
plan it takes PostgreSQL longer than to execute it; the text is the same each time. So the ORM writes it once, each
connection prepares it once (docs/decisions/0013), and the ORM makes the rows; nothing is written by hand. What is the
same in each call stays in the text, so that PostgreSQL plans with it: an index of open tasks is found as before.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, ParamSpec, TypeVar, cast
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.compiler import SQLCompiler
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import Query

from common import prepared

Asked = TypeVar("Asked", bound=Model)
Row = TypeVar("Row")
Values = ParamSpec("Values")
_TYPES: dict[type, str] = {
    int: "bigint",
    UUID: "uuid",
    datetime: "timestamptz",
    str: "text",
}  # of what `_stand_in` makes


def compiled(build: Callable[Values, QuerySet[Asked, Row]]) -> Callable[Values, list[Row]]:
    """The rows of the query that `build` makes. Its arguments are positional: numbers, ids, instants, texts, or models,
    of which only the primary key may be used, and they reach the database as they are: `build` must not compute with
    them, nor look at them. It is called at the first use only.

    PostgreSQL plans it once, for whatever values: see `planned_each_time`."""
    return _rows(build, prepare=True)


def planned_each_time(build: Callable[Values, QuerySet[Asked, Row]]) -> Callable[Values, list[Row]]:
    """As `compiled`, but PostgreSQL plans it with the values, for queries whose right plan hangs on them: on an
    instant, without which the rankings of today are looked for among all that ever were, or on who is left out."""
    return _rows(build, prepare=False)


def _rows(build: Callable[Values, QuerySet[Asked, Row]], *, prepare: bool) -> Callable[Values, list[Row]]:
    kept: list[_Compiled[Asked, Row]] = []

    def rows(*values: Values.args, **none: Values.kwargs) -> list[Row]:
        given = [value.pk if isinstance(value, Model) else value for value in values]
        if not kept:
            kept.append(_Compiled(build, values, prepare=prepare))
        return kept[0].rows(given)

    return rows


class _Compiler(SQLCompiler):
    """Executes what was compiled before, with other values."""

    statement: prepared.Prepared | str  # the latter is planned each time
    values: Mapping[str, object]
    converters: dict[int, tuple[list[Callable[..., object]], Expression]] | None = None  # of its columns

    def execute_sql(self, *args: object, **kwargs: object) -> list[list[tuple[object, ...]]]:  # type: ignore[override]
        """All rows, as one chunk."""
        if isinstance(self.statement, prepared.Prepared):
            return [prepared.run([self.statement], self.values)]
        with self.connection.cursor() as cursor:
            cursor.execute(self.statement, cast("Mapping[str, str]", self.values))
            return [cast("list[tuple[object, ...]]", cursor.fetchall())]

    def get_converters(
        self, expressions: list[Expression]
    ) -> dict[int, tuple[list[Callable[..., object]], Expression]]:
        return super().get_converters(expressions) if self.converters is None else self.converters


class _Query(Query):
    ready: _Compiler

    def get_compiler(
        self, using: str | None = None, connection: BaseDatabaseWrapper | None = None, elide_empty: bool = True
    ) -> _Compiler:
        return self.ready


class _Compiled(Generic[Asked, Row]):
    """A queryset, its compiler, and the statement with a parameter for each value."""

    def __init__(self, build: Callable[..., QuerySet[Asked, Row]], values: Sequence[object], *, prepare: bool) -> None:
        stand_ins = [[_stand_in(value, place, of) for place, value in enumerate(values)] for of in (1, 2)]
        self.queryset, other = (build(*some) for some in stand_ins)
        self.compiler = _Compiler(self.queryset.query, connections[DEFAULT_DB_ALIAS], DEFAULT_DB_ALIAS)
        sql, params = self.compiler.as_sql()
        self.compiler.converters = self.compiler.get_converters([column for column, *_ in self.compiler.select or []])
        text, others = other.query.sql_with_params()
        if text != sql:
            raise TypeError("A compiled query's SQL must not hang on its values.")
        pairs = [tuple(getattr(one, "pk", one) for one in pair) for pair in zip(*stand_ins, strict=True)]
        self.names = [f"v{place}" for place in range(len(values))]
        types = {name: _TYPES[type(one)] for name, (one, _) in zip(self.names, pairs, strict=True)}
        places = [_place(pair, pairs) for pair in zip(params, others, strict=True)]
        text = sql.replace("%%", "%%%%") % tuple(_literal(param) if n is None else f"%(v{n})s" for n, param in places)
        self.compiler.statement = prepared.Prepared(_name(build, text), text, types) if prepare else text
        query = self.queryset.query.chain(klass=_Query)
        assert isinstance(query, _Query)
        self.query = query

    def rows(self, values: Sequence[object]) -> list[Row]:
        compiler = copy.copy(self.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        compiler.values = dict(zip(self.names, values, strict=True))
        query = copy.copy(self.query)
        query.ready = compiler
        rows = type(self.queryset)(model=self.queryset.model, query=query)
        for name in ("_iterable_class", "_fields", "_prefetch_related_lookups"):
            setattr(rows, name, getattr(self.queryset, name))
        return list(rows)


def _name(build: Callable[..., object], text: str) -> str:
    """`read_pages_home__memberships_1f0e9d8c`: what an operator sees in PostgreSQL's logs, at most 63 bytes. That it
    begins with `read_` says that it stores nothing (`common.database`)."""
    path = re.sub(r"\W+", "_", f"{build.__module__}.{build.__qualname__}".lower().replace(".<locals>", ""))
    return f"read_{path[-49:]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _literal(param: object) -> str:
    """What stands in the text for a parameter that is always the same."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        return cast(bytes, cursor.mogrify("%s", (param,))).decode().replace("%", "%%")


def _place(pair: tuple[object, object], stand_ins: Sequence[tuple[object, ...]]) -> tuple[int | None, object]:
    """Which value a parameter is, by what it was with the two sets of stand-ins; or the one that it always is."""
    if pair in stand_ins:
        return stand_ins.index(pair), None
    one, other = (getattr(param, "adapted", param) for param in pair)  # JSON comes wrapped
    if one != other:
        raise TypeError("A compiled query must not compute with its values.")
    return None, pair[0]


def _stand_in(value: object, place: int, of: int) -> object:
    """A value of the same kind that stands nowhere else in the query."""
    number = 1_987_000_000 + 1_000 * of + place
    if isinstance(value, Model):
        pk = value._meta.pk.to_python(UUID(int=number) if isinstance(value.pk, UUID) else number)
        return value._meta.model(pk=pk)
    for kind, made in (
        (int, number),
        (UUID, UUID(int=number)),
        (datetime, datetime(2001, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)),
        (str, f"stand-in {number}"),
    ):
        if isinstance(value, kind) and not isinstance(value, bool):
            return made
    raise TypeError(f"A compiled query takes no {type(value).__name__}.")
