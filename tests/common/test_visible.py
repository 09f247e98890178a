"""What a reader sees of a text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.visible import equal_pair, visible

UNSEEN = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"


@pytest.mark.parametrize(
    "text",
    [
        "caf\u00e9",
        "cafe\u0301",
        " caf\u00e9\n",
        "\u3000caf\u00e9\u00a0",
        "caf\u00e9\u200b",
        "\ufeffcaf\u00e9",
        "ca\u00adf\u00e9",
        "\u202acaf\u00e9\u202c",
        "\u2067caf\u2060\u00e9\u2069",
        "cafe\u200b\u0301",
        "caf\u00e9\u200b \u200b",
    ],
)
def test_what_no_reader_sees_makes_no_difference(text: str) -> None:
    assert visible(text) == "caf\u00e9"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "\u200b",
        "\ufeff\u2060",
        "\u200d",
        "\u200c \u200d",
        "\ufe0f",
        "\u3164",
        "\u2800",
        "\u00ad",
        "\x07",
        "\U000e0041",
    ],
)
def test_a_text_with_nothing_visible_is_empty(text: str) -> None:
    assert visible(text) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),  # Persian
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u0937"),  # Devanagari
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
        ("\u2764\ufe0f", "\u2764"),
        ("a b", "a  b"),
        ("\u2460", "1"),
    ],
)
def test_what_changes_the_letters_counts(one: str, other: str) -> None:
    assert visible(one) != visible(other)
    assert equal_pair([one, other]) is None


def test_the_first_equal_pair_is_named_by_its_places() -> None:
    assert equal_pair(["a", "b", "c", "b\u200b", "a "]) == (0, 4)
    assert equal_pair(["a", "b"]) is None


@given(st.text())
def test_a_text_as_seen_is_seen_the_same(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(), st.sampled_from(UNSEEN), st.integers(0, 50))
def test_unseen_characters_anywhere_make_no_difference(text: str, unseen: str, place: int) -> None:
    assert visible(text[:place] + unseen + text[place:]) == visible(text)
    assert visible(unicodedata.normalize("NFD", text)) == visible(text)
