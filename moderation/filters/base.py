"""What a content filter is: a module with

VERSION: str                        counted up when the same text may score differently
CATEGORIES: dict[str, float]        category -> score from which it warns, as shipped
IN_WORKER: bool                     light enough for the default worker; a heavy one (a classifier of
                                    `sampler/classifiers`) is run by `manage.py moderate` where it fits
def score(texts: Sequence[str]) -> list[dict[str, float]]
                                    for each text, scores from 0 to 1 by category; the whole text is read
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Filter(Protocol):
    VERSION: str
    CATEGORIES: dict[str, float]
    IN_WORKER: bool

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]: ...
