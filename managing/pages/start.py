"""A project's own page: where it stands, and what is left to do until people work in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from labeling import projects
from labeling.models import Comparison, Membership, Project, Ranking

if TYPE_CHECKING:
    from accounts.models import User


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


def steps_of(project: Project, *, by: User) -> list[Step]:
    """What is left, in the order in which it is usually done."""
    round_ = projects.current_round(project)
    others = project.memberships.filter(ended_at__isnull=True).exclude(user=by)
    asked = others.exclude(role=Membership.Role.GUEST).exists() or project.invitations.exists()

    def at(page: str) -> str:
        return reverse(f"managing:{page}", args=[project.slug])

    steps = [
        Step(round_ is not None, "Open a round: choose which models answer", at("rounds-new"), not _ranks(project)),
        Step(project.guidelines.exists(), "Write the guidelines that trainers see", at("guidelines")),
        Step(asked, "Invite people", at("people")),
    ]
    if _ranks(project) and project.stock_target:
        has = project.prompts.exists()
        steps.insert(1, Step(has, "Add prompts, so that there are answers to rank", at("prompts"), _chats(project)))
    return steps


def _ranks(project: Project) -> bool:
    return "ranking" in project.task_types


def _chats(project: Project) -> bool:
    return "chat" in project.task_types


def standing_of(project: Project) -> Standing:
    """Counted up to what a page needs to say; a large project is not counted through."""
    rows = Comparison.objects.filter(project=project, only_for__isnull=True)
    return Standing(
        being_sampled=rows.filter(state=Comparison.State.SAMPLING)[:1000].count(),
        ready=rows.filter(state=Comparison.State.OPEN)[:1000].count(),
        ranked=Ranking.objects.filter(comparison__project=project).exists(),
    )
