"""What the trainer's pages show, put together from rows: reads only, no request and no HTML."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import LCSseq, Levenshtein

from labeling.forms import LETTERS, NONE_REASONS, SKIP_REASONS, RankingForm
from labeling.models import Assignment, Ranking, Turn

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


def word_diff(a: str, b: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Both texts as ("same" | "only", text) runs: what stands in one only is marked in it."""
    left, right = _words(a), _words(b)
    sides: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for step in LCSseq.opcodes(left, right):
        kind = "same" if step.tag == "equal" else "only"
        for side, run in zip(
            sides, (left[step.src_start : step.src_end], right[step.dest_start : step.dest_end]), strict=True
        ):
            if run:
                text = "".join(run)
                if side and side[-1][0] == kind:
                    side[-1] = (kind, side[-1][1] + text)
                else:
                    side.append((kind, text))
    return _joined(sides[0]), _joined(sides[1])


def _joined(runs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A space that both have is not shown as common ground between two differing words."""
    joined: list[tuple[str, str]] = []
    for place, (kind, text) in enumerate(runs):
        between = 0 < place < len(runs) - 1
        kind = "only" if kind == "same" and between and not text.strip() else kind
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


@dataclass(frozen=True)
class Provenance:
    """Where a turn's text comes from: own, or a model's, kept as it was or edited by `percent`."""

    kind: str
    percent: int = 0

    @property
    def words(self) -> str:
        if self.kind == "edited":
            return f"from a suggestion, edited ({self.percent} %)"
        return {"own": "own words", "verbatim": "from a suggestion, verbatim", "model": "written by the model"}[
            self.kind
        ]


def provenance(turn: Turn) -> Provenance:
    if turn.completion is None:
        return Provenance("own")
    source, kept = turn.completion.text.strip(), turn.text.strip()
    if source == kept:
        return Provenance("verbatim")
    if len(source) + len(kept) <= RATIO_UP_TO:
        distance = Levenshtein.normalized_distance(source, kept)
    else:
        distance = 1 - difflib.SequenceMatcher(None, source.split(), kept.split(), autojunk=False).quick_ratio()
    return Provenance("edited", max(1, round(distance * 100)))
