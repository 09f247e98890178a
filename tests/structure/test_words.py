"""The code speaks the field's language: the words of docs/glossary.md, and none of those that it rules out."""

from __future__ import annotations

import re

import pytest

from tests.structure.measure import BASE, tracked
from tests.structure.names import Name, given, given_in, words

GLOSSARY = (BASE / "docs" / "glossary.md").read_text(encoding="utf-8")
NAMES = [name for path in tracked() for name in given_in(path, BASE)]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = GLOSSARY.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


TERMS = rows("Terms")
RULED_OUT = rows("Words that names do not use")
NOWHERE = {word for row in RULED_OUT if row[1] == "any" for word in row[0].split(", ")}
NOT_IN_TITLES = {word for row in RULED_OUT if row[1] == "file, class" for word in row[0].split(", ")}


def wrong(names: list[Name]) -> list[str]:
    return [
        f"{name.where} {name.text}"
        for name in names
        if set(name.words) & (NOWHERE | NOT_IN_TITLES if name.is_title else NOWHERE)
    ]


def test_no_name_uses_a_word_that_hides_what_it_names() -> None:
    found = wrong(NAMES)
    assert not found, "\n".join(found)


def test_the_tables_were_read() -> None:
    assert len(TERMS) > 25
    assert {"spool", "tally"} <= NOWHERE
    assert "desk" in NOT_IN_TITLES


@pytest.mark.parametrize(
    "text", ["class Ground: ...", "spool_size = 1", "def tallyVotes() -> None: ...", "x.stalls = 1"]
)
def test_a_word_is_found_inside_a_name(text: str) -> None:
    assert wrong(list(given(text, "sample.py")))


@pytest.mark.parametrize(
    "text", ["background = 1", "def dashboard() -> None: ...", "passed = 1", "def test_past() -> None: ..."]
)
def test_a_word_that_only_holds_the_letters_is_left_alone(text: str) -> None:
    assert not wrong(list(given(text, "sample.py")))


@pytest.mark.parametrize(("term", "meaning"), TERMS, ids=lambda text: text[:20])
def test_a_term_of_the_glossary_is_a_name_in_the_code(term: str, meaning: str) -> None:
    """As itself, or as one of the names in backticks that its meaning gives."""
    known = {"_".join(name.words) for name in NAMES}
    text = f"_{'__'.join(known)}_"
    for part in term.split(" / "):
        candidates = ["_".join(words(part)), *("_".join(words(name)) for name in re.findall(r"`(\w+)`", meaning))]
        assert any(f"_{name}_" in text or f"_{name}s_" in text for name in candidates), part
