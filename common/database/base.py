"""The connection: whether a request that lost the database may be made once more, since nothing of it was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.postgresql import base

READS = ("SELECT", "SET", "SHOW", "DECLARE", "FETCH", "CLOSE", "SAVEPOINT", "RELEASE", "ROLLBACK", "EXPLAIN")


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
        if not str(sql)[:40].lstrip("( \n").upper().startswith(READS):
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
