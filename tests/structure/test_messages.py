"""What is wrong with a translation is found."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Message

from tests.structure import messages


@pytest.mark.parametrize(
    ("said", "words", "wrong"),
    [
        ("Saved %s", "Gespeichert %s", []),
        ("Saved %s", "Gespeichert", ["fills in something else"]),
        ("%(n)s of %(all)s", "%(all)s, davon %(n)s", []),
        ("%(n)s of %(all)s", "%(n)s von %(n)s", ["fills in something else"]),
        ('until %(day|date:"j M")s', 'bis %(day|date:"j. M")s', []),
        ("in place {n}", "auf Platz", ["fills in something else"]),
        ("Home", "", ["not translated"]),
        ("Home", "<b>Start</b>", ["holds markup, or a quote that ends an attribute"]),
        ("50 %%", "50 %%", []),
    ],
)
def test_a_translation_that_loses_something_is_found(said: str, words: str, wrong: list[str]) -> None:
    assert messages.problems(Message(said, words)) == wrong


def test_a_fuzzy_translation_is_found() -> None:
    assert messages.problems(Message("Home", "Start", flags=["fuzzy"])) == ["fuzzy"]
