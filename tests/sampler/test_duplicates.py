"""How alike two texts are."""

from __future__ import annotations

from sampler.duplicates import distinct, similarity


def test_likeness_of_texts() -> None:
    assert similarity("The same  text.", "the same text.") == 1.0
    assert similarity("Paris is the capital of France.", "Paris is the capital of France!") > 0.95
    assert similarity("Paris is the capital.", "Bread needs flour and water.") < 0.5
    assert similarity("", "something") == 0.0
    assert similarity("word " * 3000, "word " * 2999 + "end") > 0.95
    assert distinct(["one thing", "One thing", "another matter"]) == [0, 2]
