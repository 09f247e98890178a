"""The names that the code gives: of files, classes, functions, arguments and variables, split into words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Name:
    where: str
    text: str
    is_title: bool = False  # of a file or a class: the names that a reader meets first

    @property
    def words(self) -> list[str]:
        return words(self.text)


def words(text: str) -> list[str]:
    """`RewardModel`, `reward_model` and `REWARD_MODEL` alike: reward, model."""
    return [word.lower() for word in WORD.findall(text)]


def given_in(path: Path, base: Path) -> Iterator[Name]:
    where = str(path.relative_to(base))
    yield Name(where, path.stem, is_title=True)
    yield from given(path.read_text(encoding="utf-8"), where)


def given(source: str, where: str) -> Iterator[Name]:
    """Names that the source defines. Names of tests are sentences, and what others named is only used here."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield Name(f"{where}:{node.lineno}", node.name, is_title=True)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("test_"):
                yield Name(f"{where}:{node.lineno}", node.name)
        elif isinstance(node, ast.arg):
            yield Name(f"{where}:{node.lineno}", node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield Name(f"{where}:{node.lineno}", node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield Name(f"{where}:{node.lineno}", node.attr)
