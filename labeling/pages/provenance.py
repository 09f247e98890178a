"""Where a turn's text comes from: own words or a model's, and how far it was edited."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from labeling.models import Turn

RATIO_UP_TO = 20_000  # characters; longer texts are compared by words


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
