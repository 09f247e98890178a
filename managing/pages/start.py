"""A project's own page: where it stands, and what is left to do until people work in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.utils.translation import gettext

from common.addresses import address_of
from common.compiled import compiled
from hub import withdrawn
from labeling.models import (
    Comparison,
    GuidelineVersion,
    Invitation,
    Membership,
    Project,
    Prompt,
    Ranking,
    Round,
)

if TYPE_CHECKING:
    from accounts.models import User


MOST_COUNTED = 1000
PARTS = ("round", "guidelines", "people", "invited", "prompts")


@dataclass(frozen=True)
class Step:
    """One thing to set up; `optional` ones keep nobody from beginning."""

    done: bool
    text: str
    address: str
    optional: bool = False


@dataclass(frozen=True)
class Standing:
    """What there is to rank just now."""

    being_sampled: int
    ready: int
    ranked: bool


@dataclass(frozen=True)
class SetUp:
    """What a manager has to see to, read in one query."""

    steps: list[Step]
    to_take_back: list[str]  # data sets on the Hub that hold what was withdrawn since


def set_up_of(project: Project, *, by: User) -> SetUp:
    """What is left, in the order in which it is usually done."""
    has, to_take_back = _has(project, by)

    def at(page: str) -> str:
        return address_of(f"managing:{page}", project.slug)

    steps = [
        Step(has["round"], gettext("Open a round: choose which models answer"), at("rounds-new"), not _ranks(project)),
        Step(has["guidelines"], gettext("Write the guidelines that trainers see"), at("guidelines")),
        Step(has["people"] or has["invited"], gettext("Invite people"), at("people")),
    ]
    if _ranks(project) and project.stock_target:
        text = gettext("Add prompts, so that there are answers to rank")
        steps.insert(1, Step(has["prompts"], text, at("prompts"), optional="chat" in project.task_types))
    return SetUp(steps, to_take_back)


def _has(project: Project, by: User) -> tuple[dict[str, bool], list[str]]:
    """Which of the things to set up are there, and which data sets are to be taken back."""
    [(*row, leaving)] = _found(project, by)
    return dict(zip(PARTS, row, strict=True)), leaving


@compiled
def _found(project: Project, by: User) -> QuerySet[Project, tuple[bool, bool, bool, bool, bool, list[str]]]:
    """The parts, then the data sets."""
    own = OuterRef("pk")
    others = Membership.objects.filter(project=own, ended_at__isnull=True).exclude(user=by)
    return (
        Project.objects.filter(pk=project.pk)
        .order_by()
        .values_list(
            Exists(Round.objects.filter(project=own, closed_at__isnull=True)),
            Exists(GuidelineVersion.objects.filter(project=own)),
            Exists(others.exclude(role=Membership.Role.GUEST)),
            Exists(Invitation.objects.filter(project=own)),
            Exists(Prompt.objects.filter(project=own)),
            ArraySubquery(withdrawn.to_take_back(project).values("name")),
        )
    )


def _ranks(project: Project) -> bool:
    return "ranking" in project.task_types


def standing_of(project: Project) -> Standing:
    """Counted up to what a page needs to say, in one query; a large project is not counted through."""
    found = Counter(_states(project))
    return Standing(
        being_sampled=found[Comparison.State.SAMPLING],
        ready=found[Comparison.State.OPEN],
        ranked=bool(found["ranked"]),
    )


@compiled
def _states(project: Project) -> QuerySet[Comparison, str]:
    rows = Comparison.objects.filter(project=project, only_for__isnull=True).order_by()  # nothing is sorted to count
    sampled = rows.filter(state=Comparison.State.SAMPLING, held_at__isnull=True).values_list("state", flat=True)
    opened = rows.filter(state=Comparison.State.OPEN).values_list("state", flat=True)
    ranked = Ranking.objects.filter(comparison__project=project).order_by().values_list(Value("ranked"), flat=True)
    return sampled[:MOST_COUNTED].union(opened[:MOST_COUNTED], ranked[:1], all=True)
