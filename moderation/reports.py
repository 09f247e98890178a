"""How right a filter is: what it did, against what people said of the texts. Reads only.

A text counts where somebody marked it. What a reviewer decided of a mark counts for sure; else the majority of the
marks that wait for a decision. Marked texts are no sample of all texts: precision is of what people looked at, recall
of the harm that somebody found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.stats.intervals import wilson
from labeling.models import Project
from moderation.models import Verdict, VerdictFeedback
from screening.rules import Limits, thresholds

ANY = "any"  # all categories together
CURVE = tuple(round(0.05 * step, 2) for step in range(1, 20))  # thresholds that are tried


@dataclass(frozen=True)
class Truth:
    """What people say of one text."""

    harmful: bool
    category: str  # of the harm; empty: nobody named one
    decided: bool  # by a reviewer


@dataclass(frozen=True)
class Marked:
    """A text that somebody marked, with a filter's word on it."""

    scores: Mapping[str, float]
    category: str  # that decided; empty: none did
    flagged: bool
    language: str
    truth: Truth

    def harmful_as(self, category: str) -> bool:
        """A harm without a name is of the category for which the filter flagged it."""
        named = self.truth.category or self.category
        return self.truth.harmful and (category == ANY or named == category)


@dataclass(frozen=True)
class Confusion:
    """The four cells, and the rates with their 95% intervals."""

    caught: int
    wrong: int
    missed: int
    passed: int

    @property
    def precision(self) -> tuple[float, float, float] | None:
        return rate(self.caught, self.caught + self.wrong)

    @property
    def recall(self) -> tuple[float, float, float] | None:
        return rate(self.caught, self.caught + self.missed)


@dataclass(frozen=True)
class Row:
    """One category in one language."""

    language: str
    category: str
    confusion: Confusion
    decided: int  # texts whose marks a reviewer decided


@dataclass(frozen=True)
class Point:
    """What would be at another threshold."""

    category: str
    threshold: float
    confusion: Confusion


def rate(part: int, whole: int) -> tuple[float, float, float] | None:
    """With Wilson's interval; None of nothing."""
    return (part / whole, *wilson(part / whole, whole)) if whole else None


def truths(projects: Collection[UUID]) -> dict[tuple[UUID, UUID], Truth]:
    """By project and text."""
    rows = VerdictFeedback.objects.standing().filter(verdict__project__in=projects).select_related("verdict")
    marks: dict[tuple[UUID, UUID], list[VerdictFeedback]] = defaultdict(list)
    for mark in rows.prefetch_related("decisions").order_by("created_at"):
        marks[mark.verdict.project_id, mark.verdict.target_id].append(mark)
    found = {key: truth_of(some) for key, some in marks.items()}
    return {key: truth for key, truth in found.items() if truth is not None}


def truth_of(marks: Sequence[VerdictFeedback]) -> Truth | None:
    """None where as many say the one as the other, and nobody decided."""
    decided = [(mark, decision) for mark in marks if (decision := mark.decision) is not None]
    if decided:
        mark, decision = max(decided, key=lambda pair: pair[1].created_at)
        harmful = mark.harmful is decision.confirmed
        return Truth(harmful, mark.category if harmful and mark.harmful else "", True)
    harmful_ones = [mark for mark in marks if mark.harmful]
    if 2 * len(harmful_ones) == len(marks):
        return None
    harmful = 2 * len(harmful_ones) > len(marks)
    return Truth(harmful, next((mark.category for mark in harmful_ones if mark.category), "") if harmful else "", False)


def marked(projects: Iterable[Project], name: str) -> list[Marked]:
    """The marked texts that this filter read, by its newest version."""
    by_id = {project.pk: project for project in projects}
    known = truths(list(by_id))
    rows = Verdict.objects.filter(project__in=by_id, filter=name, failed="", target_id__in=[text for _, text in known])
    newest = {(row.project_id, row.target_id): row for row in rows.order_by("created_at")}
    return [
        Marked(row.scores, row.category, row.action != Verdict.Action.NONE, by_id[key[0]].language, known[key])
        for key, row in newest.items()
        if key in known
    ]


def table(rows: Sequence[Marked], limits: Limits) -> list[Row]:
    """By language and category, at the thresholds in force; the languages together first."""
    languages = sorted({row.language for row in rows})
    found = []
    for language in ["", *(languages if len(languages) > 1 else ())]:
        these = [row for row in rows if language in ("", row.language)]
        decided = sum(row.truth.decided for row in these)
        found.append(Row(language, ANY, confusion((row.flagged, row.truth.harmful) for row in these), decided))
        for category in sorted(limits):
            at = lowest(limits, category)
            said = confusion((_reaches(row, category, at), row.harmful_as(category)) for row in these)
            found.append(Row(language, category, said, decided))
    return found


def curve(rows: Sequence[Marked], limits: Limits) -> Iterator[Point]:
    """What would be caught, wrong and missed with other thresholds, from the stored scores."""
    for category in [ANY, *sorted(limits)]:
        for at in CURVE:
            said = confusion((_reaches(row, category, at), row.harmful_as(category)) for row in rows)
            yield Point(category, at, said)


def lowest(limits: Limits, category: str) -> float | None:
    """From which score on anything follows."""
    return min((limit for limit in limits[category] if limit is not None), default=None)


def _reaches(row: Marked, category: str, threshold: float | None) -> bool:
    if threshold is None:
        return False
    scores = row.scores.values() if category == ANY else [row.scores.get(category, 0.0)]
    return any(score >= threshold for score in scores)


def confusion(pairs: Iterable[tuple[bool, bool]]) -> Confusion:
    """Of (flagged, harmful)."""
    cells = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
    for pair in pairs:
        cells[pair] += 1
    return Confusion(*cells.values())


def limits_of(project: Project, name: str) -> Limits:
    return thresholds(project.pk, name)
