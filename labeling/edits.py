"""How much of a model's text was changed before it was kept: one answer for trainer, reviewer and insights."""

from __future__ import annotations

import difflib
import re

from rapidfuzz.distance import Levenshtein

RATIO_UP_TO = 20_000  # characters; longer texts are compared by words
MOSTLY = 0.5  # of a text changed
NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{NO_SPACES}]|[^\W_{NO_SPACES}]+")
"""A word; in writing without spaces between them (Thai, Lao, Burmese, Khmer, Japanese, Chinese) a character."""


def is_verbatim(source: str, kept: str) -> bool:
    return source.strip() == kept.strip()


def edit_share(source: str, kept: str) -> float:
    """The share that was changed, 0 to 1: edits of characters over the longer text's length.

    Space at the ends counts for nothing: a form adds and drops it.
    """
    source, kept = source.strip(), kept.strip()
    if len(source) + len(kept) <= RATIO_UP_TO:
        return float(Levenshtein.normalized_distance(source, kept))
    return 1 - difflib.SequenceMatcher(None, source.split(), kept.split(), autojunk=False).quick_ratio()


def nothing_is_left(source: str, kept: str) -> bool:
    """Whether a text holds not one word of the suggestion that it was begun from: then it is its writer's own. A typo
    mended in an answer of one word is an edit all the same, so most of the text has to be another."""
    return edit_share(source, kept) > MOSTLY and not (_words(source) & _words(kept))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text)}
