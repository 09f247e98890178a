"""The contract of a content filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from common.plugins import Folder


class Filter(Protocol):
    """Scores texts by category. A file of this folder holds one, under the name FILTER."""

    @property
    def version(self) -> str:
        """Counted up when the same text may score differently."""

    @property
    def categories(self) -> Mapping[str, float]:
        """Each category with the score from which it warns, as shipped."""

    @property
    def in_worker(self) -> bool:
        """Light enough for the default worker; a heavy one is run by `manage.py moderate` where it fits."""

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """For each text, scores from 0 to 1 by category; the whole text is read."""


FILTERS: Folder[Filter] = Folder("moderation.filters", "FILTER")
