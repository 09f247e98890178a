"""A ranking spelled in the letters that its trainer saw."""

from __future__ import annotations

from collections.abc import Mapping

from labeling.admin.base import short
from labeling.models import Ranking
from labeling.pages.forms import LETTERS


def letters_of(ranking: Ranking) -> dict[str, str]:
    """The letter of each completion on this trainer's page, by the completion's id."""
    return dict(zip(ranking.order_shown, LETTERS, strict=False))


def spelled(ranking: Ranking, letters: Mapping[str, str], *, reason_up_to: int = 200) -> str:
    """B > A = C > D; or why nothing could be ranked."""
    groups = [" = ".join(sorted(letters.get(cid, "?") for cid in group)) for group in ranking.groups]
    return " > ".join(groups) or f"not rankable: {short(ranking.not_rankable, reason_up_to)}"
