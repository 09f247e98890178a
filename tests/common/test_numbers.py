"""Numbers in a sentence are written as the language of the page writes them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.utils import translation

from common.numbers import grouped
from labeling.errors import Invalid


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["7", "1,200", "40,500", "1,234.50"]),
        ("de", ["7", "1.200", "40.500", "1.234,50"]),
        ("es", ["7", "1200", "40.500", "1234,50"]),
        ("en-gb", ["7", "1,200", "40,500", "1,234.50"]),
    ],
)
def test_a_number_is_grouped_as_the_language_does(language: str, words: list[str]) -> None:
    with translation.override(language):
        assert [grouped(7), grouped(1200), grouped(40_500), grouped(Decimal("1234.5"), 2)] == words


def test_a_refusal_writes_its_numbers_in_the_language_in_which_it_is_shown() -> None:
    refusal = Invalid("At most %(most)s characters.", most=40_500)
    for language, words in (("en", "40,500"), ("de", "40.500"), ("es", "40.500")):
        with translation.override(language):
            assert words in str(refusal)


FIGURE = re.compile(
    r"(?:<dd[^>]*>|<td[^>]*class=\"num\"[^>]*>|<div class=\"dl-card\"><b>)(?:{% if [^%]*%})?{{ ([^}]+) }}"
)
TEXTS = {"insights/_section.html", "insights/_empty.html"}  # English sentences, and cells written as such


def test_a_figure_that_stands_by_itself_is_grouped() -> None:
    pages = settings.BASE_DIR / "templates"
    found = [
        (str(path.relative_to(pages)), value)
        for room in ("labeling", "managing", "insights", "moderation")
        for path in sorted((pages / room).glob("*.html"))
        for value in FIGURE.findall(path.read_text())
    ]
    assert len(found) > 40
    bare = [
        one for one in found if one[0] not in TEXTS and not one[1].endswith("|grouped") and "|floatformat" not in one[1]
    ]
    assert not bare, "a count there may have four digits: {{ value|grouped }}"


def test_scripts_write_numbers_in_the_language_of_the_page() -> None:
    scripts = (settings.BASE_DIR / "static" / "js").glob("*.js")
    bare = [path.name for path in scripts if re.search(r"toLocale(Date|Time)?String\(\)", path.read_text())]
    assert not bare, "toLocaleString(document.documentElement.lang)"
