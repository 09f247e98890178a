"""Transactions that join the caller's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")


def joins(write: Callable[P, R]) -> Callable[P, R]:
    """`transaction.atomic` for a write that others put into a transaction of theirs: it opens one only where none is
    open. A nested `atomic` sets a savepoint, two statements more, so that its caller may catch an error and go on;
    here the caller lets the error take everything back, unless `write` says that it raises before it writes."""
    alone = transaction.atomic(write)

    @wraps(write)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        return write(*args, **kwargs) if connection.in_atomic_block else alone(*args, **kwargs)

    return joined
