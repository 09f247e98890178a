"""Long texts in windows that overlap, for filters that read only so much at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Scores = dict[str, float]


def cut(text: str, *, size: int, overlap: int) -> list[str]:
    """The text in windows of at most `size` characters; what is up to `overlap` long stands whole in one of them."""
    if len(text) <= size:
        return [text]
    step = size - overlap
    starts = range(0, len(text) - overlap, step)
    return [text[start : start + size] for start in starts]


def strongest(scores: Sequence[Mapping[str, float]]) -> Scores:
    """By category, the highest score of any window."""
    names = dict.fromkeys(name for one in scores for name in one)
    return {name: max(one.get(name, 0.0) for one in scores) for name in names}


def by_window(
    texts: Sequence[str], score: Callable[[Sequence[str]], Sequence[Scores]], *, size: int, overlap: int
) -> list[Scores]:
    """Scores of whole texts, from a function that reads windows. Nobody is asked about white space."""
    pieces = [[one for one in cut(text, size=size, overlap=overlap) if one.strip()] for text in texts]
    found = iter(score([piece for each in pieces for piece in each]))
    return [strongest([next(found) for _ in each]) for each in pieces]
