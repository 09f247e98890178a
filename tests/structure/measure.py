"""The figures of the tree's structure and their bounds.

`python -m tests.structure.measure [FOLDER …]` prints them, worst first; test_bounds.py holds the whole tree to them.
Nothing is imported from the tree and no database is needed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.structure import source
from tests.structure.source import Module

BASE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Figure:
    """A number and its bound; percentages and counts alike."""

    name: str
    value: float
    bound: float
    at_least: bool = False
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        places = 0 if self.value == int(self.value) and not self.unit else 1
        word = "at least" if self.at_least else "at most"
        verdict = "" if self.holds else "   NOT MET"
        return f"{self.name:<38}{self.value:>9,.{places}f}{self.unit:<2} {word} {self.bound:,.0f}{self.unit}{verdict}"


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


def modules_of(*folders: str) -> list[Module]:
    return [source.read(path, BASE) for path in tracked(*folders)]


def figures(modules: Sequence[Module]) -> list[Figure]:
    functions = [function for module in modules for function in module.functions]
    lines = sum(module.lines for module in modules)
    return [
        Figure("modules over 350 lines", sum(m.lines > 350 for m in modules), 0),
        Figure("modules under 200 lines", _share(m.lines < 200 for m in modules), 90, at_least=True, unit="%"),
        Figure("functions under 25 lines", _share(f.lines < 25 for f in functions), 95, at_least=True, unit="%"),
        Figure("functions over 60 lines", sum(f.lines > 60 for f in functions), 0),
        Figure("Any per 1,000 lines", 1000 * sum(m.escapes for m in modules) / max(1, lines), 10),
        Figure("Any in public signatures", sum(len(m.any_in_signatures) for m in modules), 0),
    ]


def figures_of_exports(modules: Sequence[Module]) -> list[Figure]:
    """Of `exports/` beside its formats and renderings, without what every Django app has."""
    counted = [m for m in modules if _counts_for_exports(Path(m.path))]
    return [
        Figure("exports beside its formats: modules", len(counted), 28),
        Figure("exports beside its formats: lines", sum(m.lines for m in counted), 3800),
    ]


def _counts_for_exports(path: Path) -> bool:
    if path.parts[0] != "exports" or path.name in {"__init__.py", "apps.py"}:
        return False
    return not {"formats", "renderings", "management", "migrations"} & set(path.parts)


def _share(fits: Iterable[bool]) -> float:
    every = list(fits)
    return 100 * sum(every) / max(1, len(every))


def report(modules: Sequence[Module]) -> str:
    functions = sorted((f for m in modules for f in m.functions), key=lambda f: -f.lines)
    largest = sorted(modules, key=lambda m: -m.lines)[:12]
    loosest = sorted((m for m in modules if m.escapes), key=lambda m: -m.escapes)[:12]
    lines = sum(m.lines for m in modules)
    bounded = figures(modules) + (
        figures_of_exports(modules) if any(m.path == "exports/apps.py" for m in modules) else []
    )
    return "\n".join([
        f"{len(modules)} modules, {lines:,} lines, "
        f"{100 * sum(m.comments for m in modules) / max(1, lines):.1f} comments per 100 lines",
        *map(str, bounded),
        "",
        *(f"{m.lines:5} lines  {m.path}" for m in largest),
        "",
        *(f"{f.lines:5} lines  {f.where}" for f in functions[:12]),
        "",
        *(f"{m.escapes:5} Any    {m.path}" for m in loosest),
        "",
        *(f"Any in signature  {where}" for m in modules for where in m.any_in_signatures),
    ])  # fmt: skip


if __name__ == "__main__":
    print(report(modules_of(*sys.argv[1:])))
