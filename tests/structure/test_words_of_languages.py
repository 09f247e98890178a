"""What a page says fits the language that it is in: no word is lowercased by code (German writes nouns with a capital),
no number is grouped as in English, and the terms are those of docs/languages.md."""

from __future__ import annotations

import re

import pytest

from tests.structure import messages

BASE = messages.BASE
IN_ENGLISH = ("management/", "labeling/imports/", "labeling/importers/", "exports/admin.py")  # docs/languages.md
ROOMS = ("accounts", "labeling", "managing", "moderation", "hub", "exports", "webhooks")
GROUPED = re.compile(r"\{[^{}]*:,[^{}]*\}")
LOWERED = re.compile(
    r"(?:display\(\)|gettext\([^()]*\)|translated\([^()]*\)|FIELDS[^{}]*|\.label|choices\)[^\n]*)\.lower\(\)"
)
RIVALS = {"de": r"\bLeitfaden|\bAnnotator", "es": r"clasificaci[oó]n|\bpautas?\b|directri|\bnotas\b"}
"""Words that a catalogue once had in the place of a term of the table, or might."""


def of_pages() -> dict[str, str]:
    files = (path for room in ROOMS for path in (BASE / room).rglob("*.py") if "migrations" not in path.parts)
    texts = {str(path.relative_to(BASE)): path.read_text(encoding="utf-8") for path in files}
    return {name: text for name, text in texts.items() if not any(part in name for part in IN_ENGLISH)}


def test_no_word_of_a_page_is_lowercased_by_code() -> None:
    templates = (BASE / "templates").rglob("*.html")
    found = {str(path) for path in templates if re.search(r"\|(?:lower|title)\b", path.read_text(encoding="utf-8"))}
    assert not found | {name for name, text in of_pages().items() if LOWERED.search(text)}


def test_no_number_of_a_page_is_grouped_as_in_english() -> None:
    assert not {name: found for name, text in of_pages().items() if (found := GROUPED.findall(text))}


@pytest.mark.parametrize("code", ["role.get_role_display().lower()", "FIELDS.get(name, name).lower()"])
def test_a_lowercased_word_would_be_found(code: str) -> None:
    assert LOWERED.search(code)


def terms() -> list[tuple[str, ...]]:
    """(English, German, Spanish) of the table; a row may hold several terms."""
    text = (BASE / "docs/languages.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)[1:]
    return [three for row in rows for three in zip(*(cell.split(", ") for cell in row), strict=True)]


@pytest.mark.parametrize(("language", "column"), [("de", 1), ("es", 2)])
def test_the_terms_of_the_table_are_those_of_the_catalogue(language: str, column: int) -> None:
    catalog = messages.read(language, "django")
    said = {str(one.id).lower(): str(one.string).lower() for one in catalog}  # of several forms: a list, written out
    wanted = {row[0].lower(): row[column].lower() for row in terms()}
    assert len(wanted) > 12
    assert {term: said[term] for term in wanted if term in said} == {
        term: wanted[term] for term in wanted if term in said
    }
    assert not [words for words in said.values() if re.search(RIVALS[language], words, re.IGNORECASE)]
