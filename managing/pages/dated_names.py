"""Names of runs in addresses, which people can read: a day, and the beginning of the id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from managing.pages.search import id_range

Run = TypeVar("Run", bound=Model)


def dated(moment: datetime, pk: UUID) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}-{pk.hex[:8]}"


def named(rows: QuerySet[Run], name: str, name_of: Callable[[Run], str]) -> Run | None:
    """The row of that name."""
    try:
        first, last = id_range(name.rpartition("-")[2])
    except ValueError:
        return None
    return next((row for row in rows.filter(pk__gte=first, pk__lte=last) if name_of(row) == name), None)
