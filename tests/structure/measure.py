"""The figures of the tree's structure: sizes of modules and functions, `Any` per 1,000 lines, the share of comments.

`python -m tests.structure.measure [FOLDER ...]` prints them, worst first; test_structure.py holds the bounds.
Only source is read; nothing is imported and no database is needed.
"""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
ESCAPES = {"Any", "cast"}  # names that switch the type checker off


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
    any_in_signatures: tuple[str, ...]  # public functions of modules whose signature holds Any
    comments: int


def tracked(*folders: str) -> Iterator[Path]:
    """Every Python file that git knows or would add below `folders`, migrations left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *(folders or (".",))],
        cwd=BASE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in sorted(set(listed.stdout.splitlines())):
        path = BASE / name
        if name.endswith(".py") and "/migrations/" not in name and path.exists():
            yield path


def measure(path: Path) -> Module:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    name = str(path.relative_to(BASE))
    functions = tuple(
        Function(f"{name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    aliases = ESCAPES | _aliases_of_any(tree)
    comments = [t.string for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT]
    ignores = sum("type: ignore" in comment for comment in comments)
    return Module(
        path=name,
        lines=len(source.splitlines()),
        functions=functions,
        escapes=_uses(tree, aliases) + ignores,
        any_in_signatures=tuple(_signatures(tree, name, aliases - {"cast"})),
        comments=len(comments) - ignores,
    )


def _aliases_of_any(tree: ast.Module) -> set[str]:
    """Names that a module gives to a type that holds Any: `Json = dict[str, Any]`."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and _mentions(node.value, {"Any"}):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found |= {node.target.id} if _mentions(node.value, {"Any"}) else set()
    return found


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def _uses(tree: ast.Module, names: set[str]) -> int:
    return sum(
        isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load) for node in ast.walk(tree)
    )


def _signatures(tree: ast.Module, name: str, names: set[str]) -> Iterator[str]:
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in inner:
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name.startswith("_"):
                continue
            arguments = function.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            notes = [argument.annotation for argument in every if argument] + [function.returns]
            if any(note is not None and _mentions(note, names) for note in notes):
                yield f"{name}:{function.lineno} {function.name}"


def report(modules: list[Module]) -> str:
    functions = sorted((f for m in modules for f in m.functions), key=lambda f: -f.lines)
    lines = sum(m.lines for m in modules)
    filled = [m for m in modules if m.lines]
    signatures = [where for m in modules for where in m.any_in_signatures]
    largest = sorted(modules, key=lambda m: -m.lines)[:12]
    loosest = sorted(modules, key=lambda m: -m.escapes)[:12]
    return "\n".join([
        f"modules                    {len(modules)}, {lines} lines",
        f"modules over 350 lines     {sum(m.lines > 350 for m in modules)}",
        f"modules under 200 lines    {sum(m.lines < 200 for m in modules) / len(modules):.1%}"
        f" ({sum(m.lines < 200 for m in filled) / max(1, len(filled)):.1%} of those that are not empty)",
        f"functions under 25 lines   {sum(f.lines < 25 for f in functions) / max(1, len(functions)):.1%}",
        f"functions over 60 lines    {sum(f.lines > 60 for f in functions)}",
        f"Any per 1,000 lines        {1000 * sum(m.escapes for m in modules) / max(1, lines):.1f}",
        f"Any in public signatures   {len(signatures)}",
        f"comments per 100 lines     {100 * sum(m.comments for m in modules) / max(1, lines):.1f}",
        "",
        *(f"{m.lines:5} lines  {m.path}" for m in largest),
        "",
        *(f"{f.lines:5} lines  {f.where}" for f in functions[:12]),
        "",
        *(f"{m.escapes:5} Any    {m.path}" for m in loosest if m.escapes),
        "",
        *(f"Any in signature  {where}" for where in signatures[:40]),
    ])  # fmt: skip


if __name__ == "__main__":
    print(report([measure(path) for path in tracked(*sys.argv[1:])]))
