"""The measuring itself, on samples small enough to count by hand."""

from __future__ import annotations

import pytest

from tests.structure.measure import Figure, figures
from tests.structure.source import measured

SAMPLE = """
from __future__ import annotations

import typing
from typing import Any, cast

Row = dict[str, Any]
Rows = list[Row]
Handler: typing.TypeAlias = "typing.Callable[..., Any]"
LIMIT = max(1, 2)  # a value and not a type


def plain(number: int) -> str:
    return str(number)


def nested(rows: dict[str, list[Any]]) -> None: ...
def quoted(row: "list[Any]") -> None: ...
def through_an_alias(rows: Rows) -> None: ...
def starred(**options: Row) -> None: ...
def qualified() -> typing.Any: ...
def _private(row: Row) -> None: ...


class Shown:
    def method(self, row: Row | None = None) -> None:
        def inner(row: Any) -> None: ...

    def __call__(self) -> Any: ...


class _Hidden:
    def method(self, row: Any) -> None: ...


kept = cast(int, LIMIT)
wrong: str = LIMIT  # type: ignore[assignment]
"""


def test_a_signature_that_holds_any_is_found_however_it_is_written() -> None:
    found = measured(SAMPLE, "sample.py").any_in_signatures
    assert [where.partition(" ")[2] for where in found] == [
        "nested", "quoted", "through_an_alias", "starred", "qualified", "Shown.method", "Shown.__call__",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "escapes"),
    [
        ("x = 1", 0),
        ("from typing import Any", 0),
        ("x: Any = 1", 1),
        ("x: 'dict[str, Any]' = {}", 1),
        ("x: dict[Any, Any] = {}", 2),
        ("import typing\nx: typing.Any = 1", 1),
        ("Row = dict[str, Any]\ndef f(row: Row, other: 'Row') -> None: ...", 3),
        ("Row = dict[str, int]\ndef f(row: Row) -> None: ...", 0),
        ("from typing import cast\nx = cast(int, y) + cast('str', z)", 2),
        ("from typing import cast as believe\nx = believe(int, y)", 1),
        ("import typing\nx = typing.cast(int, y)", 1),
        ("x = table.cast(schema)", 0),
        ("x = 1  # type: ignore[misc]", 1),
        ("x = '# type: ignore'", 0),
        ("any = 1\nx = 'Any'", 0),
    ],
)
def test_whatever_switches_the_type_checker_off_is_counted(text: str, escapes: int) -> None:
    assert measured(text, "sample.py").escapes == escapes


def test_an_alias_that_another_module_defines_counts_too() -> None:
    text = "from elsewhere import Row\ndef f(row: Row) -> None: ...\n"
    module = measured(text, "sample.py", frozenset({"Row"}))
    assert module.escapes == 1
    assert module.any_in_signatures == ("sample.py:2 f",)


def test_sizes_are_counted_in_lines() -> None:
    text = (
        "@decorated\ndef f(\n    x: int,\n) -> None:\n    def g() -> None: ...\n\n\n# why\nasync def h() -> None: ...\n"
    )
    module = measured(text, "sample.py")
    assert (module.lines, module.comments) == (9, 1)
    assert {function.where: function.lines for function in module.functions} == {
        "sample.py:2 f": 4, "sample.py:5 g": 1, "sample.py:9 h": 1,
    }  # fmt: skip


def test_a_figure_says_whether_its_bound_holds() -> None:
    assert Figure("share", 95.0, 95, at_least=True, unit="%").holds
    assert not Figure("share", 94.9, 95, at_least=True, unit="%").holds
    assert not Figure("count", 1, 0).holds
    assert "NOT MET" in str(Figure("count", 1, 0))
    assert {figure.name for figure in figures([measured(SAMPLE, "sample.py")]) if not figure.holds} == {
        "Any per 1,000 lines", "Any in public signatures",
    }  # fmt: skip
