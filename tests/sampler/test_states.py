"""A state is changed by `common.transitions.advance` alone: no other write in these rooms names the column."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from common.transitions import IllegalTransition, advance
from labeling.models import Comparison

BASE = Path(__file__).resolve().parents[2]
ROOMS = ("sampler", "operations/loop")


def bypasses(tree: ast.AST) -> Iterator[int]:
    """Lines of `rows.update(state=…)` and `row.save(update_fields=[… "state" …])`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            for keyword in node.keywords:
                named = [n.value for n in ast.walk(keyword.value) if isinstance(n, ast.Constant)]
                if node.func.attr == "update" and keyword.arg == "state":
                    yield node.lineno
                if node.func.attr in {"save", "bulk_update"} and "state" in named:
                    yield node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_states_change_by_transitions_only(room: str) -> None:
    found = [
        f"{path.relative_to(BASE)}:{line}"
        for path in sorted((BASE / room).rglob("*.py"))
        if "migrations" not in path.parts
        for line in bypasses(ast.parse(path.read_text()))
    ]
    assert not found


def test_a_bypass_would_be_noticed() -> None:
    source = 'rows.update(state="done")\nrow.save(update_fields=["state"])\nrows.update(n=1)'
    assert list(bypasses(ast.parse(source))) == [1, 2]


@pytest.mark.django_db
def test_a_state_is_compared_and_set_in_one_statement_of_one_table() -> None:
    """A second table would make it a look and then a write, between which another may have been first."""
    rows = Comparison.objects.filter(project__archived_at__isnull=True)
    with pytest.raises(IllegalTransition, match="one table"):
        advance(rows, to="discarded", table=Comparison.TRANSITIONS, discarded_at=timezone.now())
