"""How alike two texts are. Pure: imports no Django. What is done about it is decided in labeling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from common.visible import visible

_SPACE = re.compile(r"\s+")
LONG = 4000  # beyond this many characters words are compared instead of characters


def normal(text: str) -> str:
    """The text as it is compared: what a reader sees, NFKC, case folded, runs of white space as one space."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", visible(text))).strip().casefold()


def similarity(a: str, b: str) -> float:
    """1.0 for texts that differ only in case and white space, 0.0 for texts with nothing in common.

    It is 1 minus the normalised edit distance, over characters, or over words where a text is long.
    """
    a, b = normal(a), normal(b)
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    left: Sequence[str] = a
    right: Sequence[str] = b
    if max(len(a), len(b)) > LONG:
        left, right = a.split(" "), b.split(" ")
    return float(Levenshtein.normalized_similarity(left, right))


def distinct(texts: Sequence[str], *, threshold: float = 0.95) -> list[int]:
    """Indices of the texts to keep: each that is not alike (>= threshold) to one kept before it."""
    kept: list[int] = []
    for index, text in enumerate(texts):
        if all(similarity(text, texts[other]) < threshold for other in kept):
            kept.append(index)
    return kept
