"""The journeys of docs/architecture.md: short, and true of the code. So are the files that its tables of nouns name."""

from __future__ import annotations

import ast
import re

import pytest

from tests.structure.measure import BASE

PAGE = (BASE / "docs" / "architecture.md").read_text(encoding="utf-8")
JOURNEYS = PAGE.partition("## Five journeys\n")[2].partition("\n## ")[0].split("\n### ")[1:]
ROW = re.compile(r"^\| `([\w/]+\.py)` \|([^|]*)\|", re.MULTILINE)


def defined(path: str) -> set[str]:
    """Names of the functions and classes of a file, those inside classes included."""
    tree = ast.parse((BASE / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_there_are_five_of_at_most_seven_files() -> None:
    assert len(JOURNEYS) == 5
    assert [len(ROW.findall(journey)) for journey in JOURNEYS if not 3 <= len(ROW.findall(journey)) <= 7] == []


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda text: text.partition("\n")[0])
def test_each_file_defines_the_functions_named_beside_it(journey: str) -> None:
    lost = [
        f"{path}: {name}"
        for path, names in ROW.findall(journey)
        for name in re.findall(r"`(\w+)`", names)
        if not (BASE / path).is_file() or name not in defined(path)
    ]
    assert not lost


def test_the_module_of_every_noun_exists() -> None:
    nouns = PAGE.partition("## Reads and writes\n")[2].partition("\n## ")[0]
    inside, _, elsewhere = nouns.partition("| noun | module |")
    named = [f"labeling/{path}" for path in re.findall(r"`([\w/]+\.py)`", inside)]
    named += re.findall(r"`(\w+/[\w/]+\.py)`", elsewhere)
    assert len(named) > 20
    assert [path for path in named if not (BASE / path).is_file()] == []
