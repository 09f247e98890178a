"""Writing demonstrations: the answers to given prompts, or both sides of a dialogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import BooleanField, Exists, Expression, ExpressionWrapper, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_noop

from labeling import given_prompts
from labeling.task_types.base import RANKERS, TaskType

if TYPE_CHECKING:
    from accounts.models import User


def _wanted(user: User) -> Expression:
    """Trainers of the membership's project write prompts of their own, or one of the pool is free."""
    free = given_prompts.free_prompts(user).filter(project=OuterRef("project"))
    free = free.exclude(harms__overlap=OuterRef("user__opted_out_of"))
    return ExpressionWrapper(Q(project__prompted_share__lt=1) | Exists(free), output_field=BooleanField())


TASK = TaskType(
    title=gettext_noop("Write a demonstration"),
    about=gettext_noop("Write the answers that the assistant should give, with the model's suggestions at hand."),
    verb=gettext_noop("Begin a dialogue"),
    place=2,
    roles=RANKERS,
    begin=lambda project: reverse("start", args=[project.slug, "demonstration"]),
    ready=_wanted,
    why_not=gettext_noop("Every prompt is answered, or somebody is answering it."),
)
