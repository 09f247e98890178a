"""Numbers in a sentence are written as the language of the page writes them."""

from __future__ import annotations

from decimal import Decimal

import pytest
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
