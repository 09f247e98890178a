"""What a project asks of its filters: which, from which scores on, and what it does while one is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from screening.filters.base import FILTERS
from screening.models import ProjectFilters, Threshold, Verdict

Limits = dict[str, tuple[float | None, float | None]]
"""(warn at, block at) by category; None: never."""
Action = Verdict.Action


@dataclass(frozen=True)
class Rule:
    """One filter of a project and its thresholds."""

    filter: str
    limits: Mapping[str, tuple[float | None, float | None]]

    @property
    def blocks(self) -> bool:
        return any(block_at is not None for _, block_at in self.limits.values())


@dataclass(frozen=True)
class Plan:
    """All rules of a project, read once."""

    project: UUID
    rules: tuple[Rule, ...]
    waits: bool  # for a filter that is down

    @property
    def blocks(self) -> bool:
        """Whether the project says "block" anywhere: then no text counts before its verdict."""
        return any(rule.blocks for rule in self.rules)

    def that_are(self, *, fast: bool) -> Plan:
        """Only with the filters that are fast, or with the others."""
        return Plan(self.project, tuple(r for r in self.rules if FILTERS.load(r.filter).fast is fast), self.waits)


def plan_for(project: UUID, *, at: datetime | None = None) -> Plan:
    """As it is now, or as it was at an instant."""
    until = {} if at is None else {"created_at__lte": at}
    versions = ProjectFilters.objects.filter(project_id=project, **until).order_by("-created_at")
    chosen = versions.first() or ProjectFilters()
    names = [name for name in chosen.filters if name in FILTERS.choices()]
    rows = Threshold.objects.filter(project_id=project, filter__in=names, **until).order_by("created_at")
    limits = {name: shipped(name) for name in names}
    for row in rows if names else []:
        limits[row.filter][row.category] = (row.warn_at, row.block_at)
    waits = chosen.when_down == ProjectFilters.WhenDown.WAIT
    return Plan(project, tuple(Rule(name, found) for name, found in limits.items()), waits)


def shipped(name: str) -> Limits:
    """The filter's own limits: it warns and never blocks."""
    return {category: (warn_at, None) for category, warn_at in FILTERS.load(name).categories.items()}


def harms() -> list[str]:
    """The words that people choose from when they say that a text is harmful: the shipped categories, and other."""
    return [*FILTERS.load("patterns").categories, "other"]


def thresholds(project: UUID, name: str) -> Limits:
    """The filter's own, then the project's newest."""
    found = shipped(name)
    for row in Threshold.objects.filter(project_id=project, filter=name).order_by("created_at"):
        found[row.category] = (row.warn_at, row.block_at)
    return found


def set_threshold(
    *, project: UUID, filter: str, category: str, warn_at: float | None, block_at: float | None = None
) -> Threshold:
    """From now on. Verdicts on record are judged anew by `moderation/rejudging.py`."""
    return Threshold.objects.create(
        project_id=project, filter=filter, category=category, warn_at=warn_at, block_at=block_at
    )


def choose_filters(*, project: UUID, filters: Sequence[str], when_down: str) -> ProjectFilters:
    for name in filters:
        FILTERS.load(name)
    return ProjectFilters.objects.create(project_id=project, filters=list(filters), when_down=when_down)


def judge(
    scores: Mapping[str, float], limits: Mapping[str, tuple[float | None, float | None]]
) -> tuple[Verdict.Action, str]:
    """(action, category that decided): the strictest action, then the highest score."""
    found = _acting(scores, limits)
    if not found:
        return Action.NONE, ""
    strictness, _, category = max(found)
    return (Action.BLOCK if strictness == 2 else Action.WARN), category


def harms_in(scores: Mapping[str, float], limits: Mapping[str, tuple[float | None, float | None]]) -> list[str]:
    """Every category that warns or blocks, not only the one that decides."""
    return sorted(category for _, _, category in _acting(scores, limits))


def _acting(
    scores: Mapping[str, float], limits: Mapping[str, tuple[float | None, float | None]]
) -> list[tuple[int, float, str]]:
    """(2 for a block and 1 for a warning, score, category)"""
    found: list[tuple[int, float, str]] = []
    for category, score in scores.items():
        warn_at, block_at = limits.get(category, (0.5, None))
        if block_at is not None and score >= block_at:
            found.append((2, score, category))
        elif warn_at is not None and score >= warn_at:
            found.append((1, score, category))
    return found
