"""What the trainer's pages show, put together from rows: reads only, no request and no HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labeling.models import Assignment, Ranking
from labeling.pages.forms import LETTERS, NONE_REASONS, SKIP_REASONS, RankingForm

RATIO_UP_TO = 20_000  # characters; longer texts are compared by words


@dataclass(frozen=True)
class Card:
    """One completion on the ranking page."""

    letter: str
    id: str
    text: str
    place: int | str
    rating: str
    flags: list[str]


def texts_shown(assignment: Assignment) -> list[str]:
    """The completions' texts in the order shown."""
    texts = assignment.comparison.texts
    return [texts[cid] for cid in assignment.order_shown]


def ranking_context(assignment: Assignment, form: RankingForm | None = None) -> dict[str, Any]:
    """Everything of the ranking page that hangs on the assignment."""
    form = form or RankingForm.from_draft(assignment.draft)
    project = assignment.comparison.project
    cards = [
        Card(
            letter=letter,
            id=cid,
            text=text,
            place=form.places.get(cid, ""),
            rating=str(form.ratings.get(cid, "")),
            flags=form.flags.get(cid, []),
        )
        for letter, cid, text in zip(LETTERS, assignment.order_shown, texts_shown(assignment), strict=False)
    ]
    strengths = [*form.strengths, *([None] * len(cards))]
    return {
        "assignment": assignment,
        "comparison": assignment.comparison,
        "project": project,
        "cards": cards,
        "draft": form,
        "flags": project.flags,
        "gaps": [{"number": n, "below": n + 1, "value": strengths[n - 1]} for n in range(1, len(cards))],
        "strengths": [(level.value, level.label) for level in Ranking.Strength],
        "none_reasons": NONE_REASONS,
        "skip_reasons": SKIP_REASONS,
        "expired": assignment.state == Assignment.State.EXPIRED,
    }


def contradiction_words(pairs: Sequence[tuple[str, str]], assignment: Assignment, ratings: dict[str, int]) -> list[str]:
    """'You placed A above C, but rated A 3 and C 6.'"""
    letters = dict(zip(assignment.order_shown, LETTERS, strict=False))
    return [
        f"You placed {letters[above]} above {letters[below]}, but rated {letters[above]} {ratings[above]} "
        f"and {letters[below]} {ratings[below]}."
        for above, below in pairs
    ]
