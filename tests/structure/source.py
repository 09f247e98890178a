"""What one Python file says about its own structure: lines, functions, comments, and where types are switched off.

Only source is read; nothing is imported. The bounds and the printed table are in measure.py.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ANY = frozenset({"Any"})


@dataclass(frozen=True)
class Function:
    where: str  # path:line name
    lines: int


@dataclass(frozen=True)
class Module:
    path: str
    lines: int
    functions: tuple[Function, ...]
    escapes: int  # uses of Any, of an alias of Any, of cast( and of `type: ignore`
    any_in_signatures: tuple[str, ...]  # public functions and methods whose signature holds Any
    comments: int


def read(path: Path, base: Path) -> Module:
    return measured(path.read_text(encoding="utf-8"), str(path.relative_to(base)), _imported_aliases(path, base))


def measured(source: str, name: str, imported: frozenset[str] = frozenset()) -> Module:
    """The figures of `source`; `imported` are names in it that other modules define as aliases of Any."""
    tree = ast.parse(source)
    names = aliases(tree, ANY | imported)
    comments = [t.string for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT]
    ignores = sum("type: ignore" in comment for comment in comments)
    return Module(
        path=name,
        lines=len(source.splitlines()),
        functions=tuple(_functions(tree, name)),
        escapes=_uses(tree, names) + _casts(tree) + ignores,
        any_in_signatures=tuple(_signatures(tree.body, name, names)),
        comments=len(comments) - ignores,
    )


def aliases(tree: ast.Module, known: frozenset[str]) -> frozenset[str]:
    """`known`, and the names that a module gives to a type that holds one of them: `Row = dict[str, Any]`."""
    found = set(known)
    while True:
        before = len(found)
        for node in tree.body:
            if isinstance(node, ast.Assign) and _is_type(node.value) and _mentions(node.value, frozenset(found)):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                declared = ast.unparse(node.annotation).endswith("TypeAlias")
                if declared and _mentions(node.value, frozenset(found)):
                    found.add(node.target.id)
        if len(found) == before:
            return frozenset(found)


def _imported_aliases(path: Path, base: Path) -> frozenset[str]:
    """Names that the file takes from modules of this tree in which they stand for a type that holds Any."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.module is None or node.level:
            continue
        place = base / node.module.replace(".", "/")
        other = next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)
        if other is not None:
            theirs = aliases(ast.parse(other.read_text(encoding="utf-8")), ANY) - ANY
            found |= {alias.asname or alias.name for alias in node.names if alias.name in theirs}
    return frozenset(found)


def _functions(tree: ast.Module, name: str) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(f"{name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)


def _is_type(node: ast.expr) -> bool:
    """Whether an assigned value reads as a type: names, subscripts and unions, never a call or a literal."""
    parts = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.Tuple, ast.List, ast.Constant)
    return all(isinstance(part, (*parts, ast.expr_context, ast.operator)) for part in ast.walk(node))


def _mentions(node: ast.AST, names: frozenset[str]) -> bool:
    return any(_is_named(part, names) for part in _parts(node))


def _parts(note: ast.AST) -> Iterator[ast.AST]:
    """Every node of a type, strings in it read as types too."""
    for part in ast.walk(note):
        yield part
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                yield from ast.walk(ast.parse(part.value, mode="eval"))
            except (SyntaxError, UnicodeEncodeError):
                continue  # a string that is not a type: the value of a Literal


def _is_named(node: ast.AST, names: frozenset[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and node.attr == "Any" and ast.unparse(node.value) in {"typing", "t"}


def _uses(tree: ast.Module, names: frozenset[str]) -> int:
    plain = sum(_is_named(node, names) for node in ast.walk(tree))
    quoted = 0
    for node in ast.walk(tree):
        for note in _notes(node):
            quoted += sum(_is_named(part, names) for part in _parts(note))
            quoted -= sum(_is_named(part, names) for part in ast.walk(note))
    return plain + quoted


def _notes(node: ast.AST) -> Iterator[ast.expr]:
    """The annotations that hang on a node itself."""
    if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
        yield node.annotation
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
        yield node.returns


def _casts(tree: ast.Module) -> int:
    """`cast(…)`: the local name may be any that typing's was imported under."""
    names = {"typing.cast"} | {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        for alias in node.names
        if alias.name == "cast"
    }
    return sum(isinstance(node, ast.Call) and ast.unparse(node.func) in names for node in ast.walk(tree))


def _signatures(body: list[ast.stmt], name: str, names: frozenset[str], owner: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _signatures(node.body, name, names, f"{owner}{node.name}.")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_private(node.name):
            continue
        notes = [note for part in (node, *ast.walk(node.args)) for note in _notes(part)]
        if any(_mentions(note, names) for note in notes):
            yield f"{name}:{node.lineno} {owner}{node.name}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
