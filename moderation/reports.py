"""How right a filter is: its scores against what people said of its verdicts. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from labeling.models import Project
from moderation.models import VerdictFeedback
from screening.rules import thresholds


class Row(TypedDict):
    """One category at one threshold, among the texts that somebody marked."""

    category: str
    threshold: float
    in_force: bool
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float | None
    recall: float | None


def report(project: Project, name: str, what_if: Sequence[float] = (0.3, 0.5, 0.7, 0.9)) -> list[Row]:
    """Precision and recall by category among the marked texts, at the threshold in force and at others."""
    limits = thresholds(project.pk, name)
    marked = VerdictFeedback.objects.filter(verdict__project=project, verdict__filter=name).select_related("verdict")
    words: dict[UUID, list[VerdictFeedback]] = defaultdict(list)
    for word in marked:
        words[word.verdict_id].append(word)
    rows: list[Row] = []
    for category, (warn_at, _) in sorted(limits.items()):
        scored = [(found[0].verdict.scores.get(category, 0.0), _harmful(found, category)) for found in words.values()]
        for threshold in sorted({*([] if warn_at is None else [warn_at]), *what_if}):
            rows.append(_row(category, threshold, scored, in_force=threshold == warn_at))
    return rows


def _row(category: str, threshold: float, scored: Sequence[tuple[float, bool]], *, in_force: bool) -> Row:
    true = sum(score >= threshold and harmful for score, harmful in scored)
    false = sum(score >= threshold and not harmful for score, harmful in scored)
    missed = sum(score < threshold and harmful for score, harmful in scored)
    return {
        "category": category,
        "threshold": threshold,
        "in_force": in_force,
        "true_positives": true,
        "false_positives": false,
        "false_negatives": missed,
        "precision": true / (true + false) if true + false else None,
        "recall": true / (true + missed) if true + missed else None,
    }


def _harmful(words: list[VerdictFeedback], category: str) -> bool:
    """By majority of those who marked it; a word that names no category is about the one that decided."""
    about = [word.harmful and (word.category or word.verdict.category or category) == category for word in words]
    return sum(about) * 2 > len(about)
