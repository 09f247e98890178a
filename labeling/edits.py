"""How much of a model's text was changed before it was kept: one answer for trainer, reviewer and insights."""

from __future__ import annotations

import difflib

from rapidfuzz.distance import Levenshtein

RATIO_UP_TO = 20_000  # characters; longer texts are compared by words


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
