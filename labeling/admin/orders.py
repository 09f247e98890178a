"""A ranking spelled in the letters that its trainer saw; or why nothing could be ranked."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.admin.base import short
from labeling.models import Ranking
from labeling.pages import letters as page_letters


def spelled(ranking: Ranking, letters: Mapping[str, str] | None = None, *, reason_up_to: int = 200) -> str:
    """B > A = C > D, in `letters` or those of the trainer's own page."""
    letters = page_letters.letters_of(ranking.order_shown) if letters is None else letters
    order = page_letters.spelled(ranking.groups, letters)
    return order or f"not rankable: {short(ranking.not_rankable, reason_up_to)}"
