"""What a project's work cost by its rates, and what the votes that are still wanted will cost. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import F, Sum

from common.numbers import grouped
from labeling import time_sheet
from labeling.models import Assignment, Comparison
from labeling.time_sheet import Line

if TYPE_CHECKING:
    from labeling.models import Project

HOUR = 3600


@dataclass(frozen=True)
class Costs:
    """In the project's currency. `forecast` is None where no vote was given yet whose time could be told."""

    spent: str
    wanted: int
    per_vote: str
    forecast: str | None


def costs_of(project: Project) -> Costs | None:
    """None where the project has no rates."""
    if not project.rate_per_hour and not project.rate_per_task:
        return None
    whole = time_sheet.whole(project)
    wanted = votes_wanted(project)
    mean = time_sheet.seconds_of_a_ranking(project)
    per_vote = None if mean is None else project.rate_per_task + project.rate_per_hour * Decimal(mean) / HOUR
    return Costs(
        spent=cost_of(project, whole),
        wanted=wanted,
        per_vote="" if per_vote is None else money(project, per_vote),
        forecast=None if per_vote is None else money(project, per_vote * wanted),
    )


def cost_of(project: Project, line: Line) -> str:
    """Empty where the project has no rates."""
    if not project.rate_per_hour and not project.rate_per_task:
        return ""
    tasks = line.rankings + line.dialogues
    return money(project, project.rate_per_hour * line.seconds / HOUR + project.rate_per_task * tasks)


def money(project: Project, amount: Decimal) -> str:
    return f"{grouped(amount, 2)} {project.currency}".strip()


def votes_wanted(project: Project) -> int:
    """Votes that open comparisons still want; those being worked on are among them."""
    opened = Comparison.objects.filter(project=project, state=Comparison.State.OPEN, only_for__isnull=True)
    wanted = opened.aggregate(n=Sum(F("votes_wanted")))["n"] or 0
    held = Assignment.objects.filter(comparison__in=opened, slot__isnull=False, state=Assignment.State.SUBMITTED)
    return max(0, wanted - held.count())
