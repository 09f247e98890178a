"""The linter of migrations finds what may not run while people work, and only past migrations are let through."""

from __future__ import annotations

import pytest
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements, get_sql_analyser_class

from tests.structure.measure import BASE
from tests.upgrade import linted


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ('ALTER TABLE "t" ADD COLUMN "c" integer NOT NULL;', "NOT_NULL"),
        ('CREATE INDEX "i" ON "t" ("c");', "CREATE_INDEX"),
        ('ALTER TABLE "t" RENAME COLUMN "c" TO "d";', "RENAME_COLUMN"),
        ('ALTER TABLE "t" DROP COLUMN "c" CASCADE;', "DROP_COLUMN"),
        ('ALTER TABLE "t" ADD CONSTRAINT "u" UNIQUE ("c");', "ADD_UNIQUE"),
    ],
)
def test_what_locks_or_breaks_the_release_that_runs_is_found(statement: str, code: str) -> None:
    errors, _, warnings = analyse_sql_statements(get_sql_analyser_class("postgresql"), [statement])
    assert code in {issue.code for issue in [*errors, *warnings]}


def test_only_migrations_that_are_there_are_known() -> None:
    there = {path.stem for path in BASE.glob("*/migrations/0*.py")}
    assert set(linted.KNOWN) <= there
    assert len(linted.KNOWN) == len(set(linted.KNOWN))
    assert max(name[:4] for name in linted.KNOWN) <= "0009"
