"""Putting a comparison's completions in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse

from labeling.leases import held_count
from labeling.models import Assignment, Comparison
from labeling.task_types.base import RANKERS, TaskType

if TYPE_CHECKING:
    from accounts.models import User


def _wanted(user: User) -> Exists:
    """The membership's project has a comparison that wants this person's vote, or is leased to them."""
    mine = Assignment.objects.filter(comparison=OuterRef("pk"), trainer=user)
    free = Q(held__lt=F("votes_wanted")) & ~Exists(mine)
    allowed = Q(author__isnull=True) | ~Q(author=user) | Q(project__exclude_own_chats=False)
    return Exists(
        Comparison.objects.filter(project=OuterRef("project"), state=Comparison.State.OPEN)
        .filter(Q(only_for__isnull=True) | Q(only_for=user))
        .alias(held=held_count())
        .filter(free & allowed | Exists(mine.filter(state=Assignment.State.LEASED)))
    )


TASK = TaskType(
    title="Rank completions",
    about="Read a prompt and put several answers in order.",
    verb="Rank the next one",
    place=1,
    roles=RANKERS,
    begin=lambda project: reverse("next", args=[project.slug]),
    ready=_wanted,
    why_not="Nothing wants ranking just now.",
)
