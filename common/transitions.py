"""Compare-and-set on a row's `state`.

A state is changed only here: a filtered `update()` whose row count is 0 or 1 tells whether this
process made the change. The table beside each `TextChoices` says which changes exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import Model, QuerySet


class IllegalTransition(ValueError):
    """The state table has no such step: a programming error, never a race."""


State = TypeVar("State", bound=str)


def advance(
    rows: QuerySet[Model] | Model,
    *,
    to: str,
    table: Mapping[State, frozenset[State]],
    **columns: object,
) -> int:
    """Move rows to state `to` from every state that may step there; return how many moved.

    `rows` is a queryset (narrowed by the caller, for example to a fencing token) or one instance,
    whose attributes are then refreshed if it moved. `columns` are set in the same statement, so
    that check constraints which tie a state to its columns hold at every instant.
    """
    sources = [state for state, targets in table.items() if to in targets]
    if not sources:
        raise IllegalTransition(f"no state steps to {to!r}")
    if isinstance(rows, Model):
        instance: Model = rows
        manager = type(instance)._default_manager
        moved = manager.filter(pk=instance.pk, state__in=sources).update(state=to, **columns)
        if moved:
            for name, value in {"state": to, **columns}.items():
                if not hasattr(value, "resolve_expression"):
                    setattr(instance, name, value)
        return moved
    rows = rows.filter(state__in=sources)
    if sum(count > 0 for count in rows.query.alias_refcount.values()) > 1:
        # Django would look for the rows first, and PostgreSQL not look at their state again once it has their locks.
        raise IllegalTransition("a state is compared and set in one table: name another one by Exists()")
    return rows.update(state=to, **columns)
