"""The connection: whether a request that lost the database may be made once more, since nothing of it was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.postgresql import base

READS = (
    *("SELECT", "SET", "SHOW", "DECLARE", "FETCH", "CLOSE", "SAVEPOINT", "RELEASE", "ROLLBACK", "EXPLAIN"),
    *("PREPARE READ_", "EXECUTE READ_"),  # those of common.compiled
)


def reads(sql: str) -> bool:
    """Whether a statement stores nothing."""
    return sql[:40].lstrip("( \n").upper().startswith(READS)


class DatabaseWrapper(base.DatabaseWrapper):
    """`stored` is True as soon as something was, or may have been: a commit whose answer was lost counts."""

    stored = True  # nobody asked to know
    wrote = False  # in the transaction that is open

    @contextmanager
    def noting(self) -> Iterator[None]:
        """From here on `stored` is known."""
        self.stored = self.wrote = False
        with self.execute_wrapper(self._note):
            yield

    def _note(
        self, execute: Callable[..., object], sql: str, params: object, many: bool, context: dict[str, object]
    ) -> object:
        if not reads(str(sql)):
            self.wrote = True
            self.stored = self.stored or not self.in_atomic_block
        return execute(sql, params, many, context)

    def commit(self) -> None:
        self.stored = self.stored or self.wrote
        self.wrote = False
        super().commit()

    def rollback(self) -> None:
        self.wrote = False
        super().rollback()
