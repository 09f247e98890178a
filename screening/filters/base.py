"""The contract of a content filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from common.plugins import Folder


class FilterDown(Exception):
    """The filter cannot say anything now: not set up, away, too slow, or it answers nonsense. For operators."""


class Filter(Protocol):
    """Scores texts by category. A file of this folder holds one, under the name FILTER."""

    @property
    def version(self) -> str:
        """Another one when the same text may score differently."""

    @property
    def categories(self) -> Mapping[str, float]:
        """Each category with the score from which it warns, as shipped."""

    @property
    def fast(self) -> bool:
        """Judges a message within 50 ms, without network or model: asked in the web process while a person waits."""

    @property
    def in_worker(self) -> bool:
        """Light enough for the default worker; a heavy one runs in sampler workers and by `manage.py moderate`."""

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """For each text, scores from 0 to 1 by category; the whole text is read, however long.

        Raises:
            FilterDown: nothing can be said of these texts now.
        """


FILTERS: Folder[Filter] = Folder("screening.filters", "FILTER")
