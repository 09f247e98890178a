"""What the shipped patterns catch and miss, wherever it stands and however long the text is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence

import pytest

from screening import windows
from screening.filters.patterns import FILTER, PERSONAL
from screening.rules import judge
from tests.measuring import processor_seconds

BAD = "I will kill you tomorrow."
CARD = "4539 1488 0343 6467"


def score(text: str, category: str) -> float:
    return FILTER.score([text])[0][category]


def test_a_card_number_is_found_where_it_stands_alone() -> None:
    for text in (CARD, f"My card: {CARD}.", "4539148803436467", f"({CARD})", "4539-1488-0343-6467, thanks"):
        assert score(text, PERSONAL) > 0.5, text


def test_no_card_number_is_seen_in_ids_addresses_and_other_numbers() -> None:
    draw = random.Random(7)
    ids = [str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(2000)]
    ids += ["order-4539148803436467", "a4539148803436467", "https://example.org/4539148803436467", "4539148803436468"]
    ids += ["id=4539148803436467", "4539148803436467-17", "0.4539148803436467", "12345678901234567890123"]
    assert [text for text in ids if score(f"Question 3 of {text}?", PERSONAL)] == []


def test_account_numbers_are_checked_by_their_own_digits() -> None:
    assert score("Pay to GB82 WEST 1234 5698 7654 32 please", PERSONAL) > 0.5
    assert score("Pay to GB83 WEST 1234 5698 7654 32 please", PERSONAL) == 0


def test_planted_text_is_caught_at_200_random_offsets() -> None:
    draw = random.Random(19)
    for _ in range(200):
        before, after = draw.randrange(0, 12_000), draw.randrange(0, 3_000)
        text = ("word " * 2500)[:before] + " " + BAD + " " + ("word " * 700)[:after]
        assert score(text, "violence") > 0.5, before


def test_windows_leave_nothing_out_at_any_offset() -> None:
    draw = random.Random(20)
    for _ in range(200):
        size = draw.randrange(50, 400)
        overlap = draw.randrange(len(BAD), size - 1)
        at = draw.randrange(0, 3_000)
        text = "x" * at + BAD + "y" * draw.randrange(0, 900)
        pieces = windows.cut(text, size=size, overlap=overlap)
        assert any(BAD in piece for piece in pieces), (at, size, overlap)
        assert all(len(piece) <= size for piece in pieces)


def test_scores_of_windows_are_joined_by_the_highest() -> None:
    def count(pieces: Sequence[str]) -> list[windows.Scores]:
        return [{"a": float("z" in piece), "b": 0.5} for piece in pieces]

    found = windows.by_window(["x" * 500 + "z", "x" * 20], count, size=100, overlap=20)
    assert found == [{"a": 1.0, "b": 0.5}, {"a": 0.0, "b": 0.5}]


def test_a_category_is_off_warns_or_blocks() -> None:
    scores = {"violence": 0.9}
    assert judge(scores, {"violence": (None, None)}) == ("none", "")
    assert judge(scores, {"violence": (0.5, None)}) == ("warn", "violence")
    assert judge(scores, {"violence": (None, 0.8)}) == ("block", "violence")
    assert judge({**scores, "hate": 1.0}, {"violence": (0.5, 0.8), "hate": (0.5, None)}) == ("block", "violence")


@pytest.mark.alone
def test_a_thousand_completions_are_screened_in_a_second_of_one_core() -> None:
    draw = random.Random(3)
    sentence = "the model killed time while people make a plan and children read 12 books of master chess"
    words = sentence.split()
    texts = [" ".join(draw.choices(words, k=260))[:1200] for _ in range(1000)]
    assert len(FILTER.score(texts)) == 1000
    assert processor_seconds(lambda: FILTER.score(texts)) < 1.0
