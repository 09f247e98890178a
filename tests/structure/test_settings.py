"""Every environment variable that the code reads is in docs/settings.md, and every one there is read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure.measure import BASE, tracked

OF_THE_SYSTEM = {"PATH", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"}
SET_FOR_CHILDREN = {"SAMPLER_DEVICE_INDEX", "PROMETHEUS_MULTIPROC_DIR"}  # by our own processes, for their children
READ_BY_LIBRARIES = {"OMP_NUM_THREADS", "FORWARDED_ALLOW_IPS"}


def product() -> list[Path]:
    """Code that an operator runs; benchmarks and tests take what they like."""
    return [path for path in tracked() if path.relative_to(BASE).parts[0] not in {"tests", "benchmarks", "docs"}]


def is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in {"os.environ", "environ"}


def keys(tree: ast.AST) -> Iterator[ast.expr]:
    """What is asked of the environment in this code: the expressions that name a variable."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and is_environment(node.value):
            yield node.slice
        if isinstance(node, ast.Call) and node.args and is_getter(node.func):
            yield node.args[0]


def is_getter(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and function.attr == "get":
        return is_environment(function.value)
    return ast.unparse(function) in {"os.getenv", "getenv"}


def readers(tree: ast.AST) -> dict[str, set[str]]:
    """Functions that read the variable that their first argument names, with the endings that they put to it."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.args:
            first = node.args.args[0].arg
            for key in keys(node):
                if isinstance(key, ast.Name) and key.id == first:
                    found.setdefault(node.name, set()).add("")
                elif isinstance(key, ast.JoinedStr) and ast.unparse(key).startswith("f'{" + first + "}"):
                    found.setdefault(node.name, set()).add(ast.unparse(key).partition("}")[2].rstrip("'"))
    return found


def variables(sources: list[str]) -> set[str]:
    """Names of all variables that these sources read."""
    trees = [ast.parse(source) for source in sources]
    helpers: dict[str, set[str]] = {}
    for tree in trees:
        for name, endings in readers(tree).items():
            helpers.setdefault(name, set()).update(endings)
    found: set[str] = set()
    for tree in trees:
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for key in keys(tree):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found.add(key.value)
            elif isinstance(key, ast.Name) and key.id in constants:
                found.add(constants[key.id])
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                for ending in helpers.get(ast.unparse(node.func).rpartition(".")[2], set()):
                    found.add(f"{node.args[0].value!s}{ending}")
    return {name for name in found if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


def documented(text: str) -> set[str]:
    """The names in the first cells of the tables."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_settings_that_are_read_are_those_that_are_documented() -> None:
    read = variables([path.read_text(encoding="utf-8") for path in product()]) - OF_THE_SYSTEM - SET_FOR_CHILDREN
    told = documented((BASE / "docs" / "settings.md").read_text(encoding="utf-8"))
    assert read - told == set(), "not in docs/settings.md"
    assert told - read - READ_BY_LIBRARIES == set(), "in docs/settings.md, and read nowhere"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('os.environ["A_B"]', {"A_B"}),
        ('os.environ.get("A_B", "")', {"A_B"}),
        ('os.getenv("A_B")', {"A_B"}),
        ('os.environ["A_B"] = "set and not read"', set()),
        ('VARIABLE = "A_B"\nos.environ.get(VARIABLE)', {"A_B"}),
        ('def flag(name: str) -> bool:\n    return bool(os.environ.get(name))\nflag("A_B")', {"A_B"}),
        (
            'def secret(name):\n    return os.environ.get(name) or os.environ.get(f"{name}_FILE")\nx.secret("A_B")',
            {"A_B", "A_B_FILE"},
        ),
        ('environment.get("A_B")', set()),
    ],
)
def test_a_variable_is_found_however_it_is_read(source: str, names: set[str]) -> None:
    assert variables([source]) == names
