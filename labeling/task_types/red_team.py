"""Trying to make the model break a rule of the project, in a chat that is bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import BooleanField, Exists, Expression, ExpressionWrapper, OuterRef
from django.urls import reverse
from django.utils.translation import gettext_noop

from labeling.models import RED_TEAM, RedTeamRule
from labeling.task_types.base import RANKERS, TaskType, a_round_is_open

if TYPE_CHECKING:
    from accounts.models import User


def _wanted(user: User) -> Expression:
    """A round is open, and the membership's project has a rule in force."""
    rule = Exists(RedTeamRule.objects.filter(project=OuterRef("project"), ended_at__isnull=True))
    return ExpressionWrapper(a_round_is_open(user) & rule, output_field=BooleanField())


TASK = TaskType(
    title=gettext_noop("Break a rule"),
    about=gettext_noop("Try to make the model break a rule. Whether you do or not, both help."),
    verb=gettext_noop("Begin a red-team chat"),
    place=4,
    roles=RANKERS,
    begin=lambda project: reverse("start", args=[project.slug, RED_TEAM]),
    ready=_wanted,
    why_not=gettext_noop("No rule is published, or no round is open. The project's manager does both."),
)
