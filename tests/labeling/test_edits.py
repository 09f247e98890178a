"""How much of a suggestion was changed: one figure, whoever looks."""

from __future__ import annotations

import pytest

from labeling.edits import RATIO_UP_TO, edit_share, is_verbatim
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
