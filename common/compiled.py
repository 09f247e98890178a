"""Queries that Django compiles to SQL once: what a page asks with other values each time is executed from then on.

To build a query of ten conditions and to write its SQL takes Django longer than PostgreSQL takes to answer it; the
text is the same each time. The ORM writes it here too, and makes the rows; nothing is written by hand.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, ParamSpec, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.compiler import SQLCompiler
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import Query

Asked = TypeVar("Asked", bound=Model)
Row = TypeVar("Row")
Values = ParamSpec("Values")


def compiled(build: Callable[Values, QuerySet[Asked, Row]]) -> Callable[Values, list[Row]]:
    """The rows of the query that `build` makes. Its arguments are positional: numbers, ids, instants, texts, or models,
    of which only the primary key may be used, and they reach the database as they are: `build` must not compute with
    them, nor look at them. It is called at the first use only."""
    kept: list[_Compiled[Asked, Row]] = []

    def rows(*values: Values.args, **none: Values.kwargs) -> list[Row]:
        given = [value.pk if isinstance(value, Model) else value for value in values]
        if not kept:
            kept.append(_Compiled(build, values))
        return kept[0].rows(given)

    return rows


class _Compiler(SQLCompiler):
    """Says what was compiled before, with other values."""

    answer: tuple[str, tuple[str | int, ...]] | None = None
    converters: dict[int, tuple[list[Callable[..., object]], Expression]] | None = None  # of its columns

    def as_sql(self, with_limits: bool = True, with_col_aliases: bool = False) -> tuple[str, tuple[str | int, ...]]:
        return self.answer or super().as_sql(with_limits, with_col_aliases)

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
    """A queryset, its compiler, and which of its parameters are values."""

    def __init__(self, build: Callable[..., QuerySet[Asked, Row]], values: Sequence[object]) -> None:
        stand_ins = [[_stand_in(value, place, of) for place, value in enumerate(values)] for of in (1, 2)]
        self.queryset, other = (build(*some) for some in stand_ins)
        self.compiler = _Compiler(self.queryset.query, connections[DEFAULT_DB_ALIAS], DEFAULT_DB_ALIAS)
        self.sql, params = self.compiler.as_sql()
        self.compiler.converters = self.compiler.get_converters([column for column, *_ in self.compiler.select or []])
        text, others = other.query.sql_with_params()
        if text != self.sql:
            raise TypeError("A compiled query's SQL must not hang on its values.")
        pairs = [tuple(getattr(one, "pk", one) for one in pair) for pair in zip(*stand_ins, strict=True)]
        self.params = [_place(pair, pairs) for pair in zip(params, others, strict=True)]
        query = self.queryset.query.chain(klass=_Query)
        assert isinstance(query, _Query)
        self.query = query

    def rows(self, values: Sequence[object]) -> list[Row]:
        compiler = copy.copy(self.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        params = tuple(fixed if n is None else values[n] for n, fixed in self.params)
        compiler.answer = self.sql, params  # type: ignore[assignment]  # the stubs know numbers and texts only
        query = copy.copy(self.query)
        query.ready = compiler
        rows = type(self.queryset)(model=self.queryset.model, query=query)
        for name in ("_iterable_class", "_fields", "_prefetch_related_lookups"):
            setattr(rows, name, getattr(self.queryset, name))
        return list(rows)


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
