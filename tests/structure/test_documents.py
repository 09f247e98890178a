"""Documents: lines of a width that can be read, decisions numbered without holes, no link that leads nowhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.structure.measure import BASE

WIDTH = 120


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=BASE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [BASE / name for name in sorted(set(listed.stdout.splitlines())) if (BASE / name).exists()]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without those that Markdown cannot break: rows of tables and long addresses."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|") and not re.fullmatch(r"\s*\S*https?://\S+", line):
            yield number, line


def decisions() -> list[Path]:
    return sorted((BASE / "docs" / "decisions").glob("*.md"))


def test_lines_are_wrapped() -> None:
    long = [
        f"{path.relative_to(BASE)}:{number}: {len(line)} characters"
        for path in documents()
        for number, line in prose(path.read_text(encoding="utf-8"))
        if len(line) > WIDTH
    ]
    assert not long, "\n".join(long)


def test_decisions_are_numbered_without_holes() -> None:
    assert [int(path.name[:4]) for path in decisions()] == list(range(1, len(decisions()) + 1))


def test_a_decision_carries_its_number_in_its_title() -> None:
    titles = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in decisions()}
    assert [name for name, title in titles.items() if not title.startswith(f"# {int(name[:4])}. ")] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    lost = []
    for path in documents():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                lost.append(f"{path.relative_to(BASE)}: {target}")
    assert not lost


def test_every_decision_that_is_named_exists() -> None:
    numbers = {int(path.name[:4]) for path in decisions()}
    lost = []
    for path in documents():
        for words in re.findall(r"\b[Dd]ecisions? (\d+(?:(?:, | and )\d+)*)", path.read_text(encoding="utf-8")):
            lost += [
                f"{path.relative_to(BASE)}: decision {n}" for n in re.findall(r"\d+", words) if int(n) not in numbers
            ]
    assert not lost
