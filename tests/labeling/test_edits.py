"""How much of a suggestion was changed: one figure, whoever looks."""

from __future__ import annotations

import pytest

from labeling.edits import RATIO_UP_TO, edit_share, is_verbatim, nothing_is_left
from labeling.models import Turn
from labeling.pages.provenance import for_reviewers, provenance
from sampler.models import Completion


@pytest.mark.parametrize(
    ("source", "kept", "share"),
    [("abcd", "abcd", 0.0), ("abcd", "abcx", 0.25), (" abcd\n", "abcd", 0.0), ("", "abcd", 1.0)],
)
def test_the_share_is_of_characters_and_space_at_the_ends_counts_for_nothing(
    source: str, kept: str, share: float
) -> None:
    assert edit_share(source, kept) == share
    assert is_verbatim(source, kept) == (share == 0)


def test_long_texts_are_compared_by_words() -> None:
    words = [f"word{n}" for n in range(RATIO_UP_TO // 5)]
    assert edit_share(" ".join(words), " ".join([*words[:-1], "other"])) == pytest.approx(1 / len(words))


@pytest.mark.parametrize(
    ("source", "kept"),
    [("Exactly this text.", "Exactly that text."), ("  padded text  ", "padded words"), ("a" * 30_000, "b")],
)
def test_trainer_and_reviewer_read_the_same_percentage(source: str, kept: str) -> None:
    turn = Turn(text=kept, completion=Completion(text=source, model_label="fjord"))
    percent = provenance(turn).percent
    assert f"({percent} %)" in provenance(turn).words
    assert for_reviewers(turn) == "fjord, edited"


@pytest.mark.parametrize(
    ("source", "kept", "own"),
    [
        ("Canberra is the capital of Australia.", "Wrote this myself, entirely.", True),
        ("Canberra is the capital of Australia.", "canberra!", False),  # a word of it is left
        ("Canberra is the capital of Australia.", "Canberra is the capital of Australia.", False),
        ("Canbera", "Canberra", False),  # a typo mended
        ("Yes", "No", True),
        ("雪は白い。", "犬が走る!", True),
        ("雪は白い。", "雪が走る。", False),
        ("", "Mine.", True),
        ("1 + 1", "???", True),
    ],
)
def test_what_holds_no_word_of_a_suggestion_is_its_writers_own(source: str, kept: str, own: bool) -> None:
    assert nothing_is_left(source, kept) is own
