"""The journeys of docs/architecture.md: at most seven files each, and true of the code. So is its table of nouns."""

from __future__ import annotations

import ast
import re

import pytest

from tests.structure.measure import BASE

PAGE = (BASE / "docs" / "architecture.md").read_text(encoding="utf-8")
JOURNEYS = PAGE.partition("## Five journeys\n")[2].partition("\n## ")[0].split("\n**")[1:]
STEP = re.compile(r"^\d\. `([\w/.]+)`(?:, ([^:]*))?:", re.MULTILINE)


def defined(path: str) -> set[str]:
    """Names of the functions and classes of a file, those inside classes included."""
    tree = ast.parse((BASE / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_there_are_five_of_at_most_seven_files() -> None:
    assert len(JOURNEYS) == 5
    assert [journey for journey in JOURNEYS if not 3 <= len(STEP.findall(journey)) <= 7] == []
    numbered = [len(re.findall(r"^\d+\. ", journey, re.MULTILINE)) for journey in JOURNEYS]
    assert numbered == [len(STEP.findall(journey)) for journey in JOURNEYS]


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda text: text.partition("*")[0])
def test_each_file_defines_what_is_named_beside_it(journey: str) -> None:
    steps = [(path, names) for path, names in STEP.findall(journey) if "NAME" not in path]
    assert [path for path, _ in steps if not (BASE / path).exists()] == []
    named = [(path, name) for path, names in steps for name in re.findall(r"`(\w+)`", names)]
    assert [f"{path}: {name}" for path, name in named if name not in defined(path)] == []


def test_the_module_of_every_noun_exists() -> None:
    rows = PAGE.partition("| noun | module |")[2].partition("\n\n")[0].splitlines()[2:]
    lost = []
    for row in rows:
        paths = re.findall(r"`([\w/]+\.py)`", row)
        room = paths[0].rpartition("/")[0]  # the first is whole, those beside it are named alone
        lost += [path for path in paths if not (BASE / path).exists() and not (BASE / room / path).exists()]
    assert len(rows) > 10
    assert not lost
