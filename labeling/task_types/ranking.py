"""Putting a comparison's completions in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import BooleanField, Exists, Expression, ExpressionWrapper, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_noop

from labeling import votes
from labeling.models import Assignment, Comparison
from labeling.task_types.base import RANKERS, TaskType

if TYPE_CHECKING:
    from accounts.models import User


def _wanted(user: User) -> Expression:
    """The membership's project has a comparison that wants this person's vote, or is leased to them.

    Two questions, each answered by its first row: with an OR inside, every assignment of the person would
    be read.
    """
    allowed = Q(author__isnull=True) | ~Q(author=user) | Q(project__exclude_own_chats=False)
    wants = Comparison.objects.filter(project=OuterRef("project"), state=Comparison.State.OPEN)
    wants = wants.filter(Q(only_for__isnull=True) | Q(only_for=user)).filter(allowed)
    wants = wants.exclude(harms__overlap=OuterRef("user__opted_out_of"))
    wants = votes.with_a_free_vote(votes.not_had_by(wants, user))
    leased = Assignment.objects.leased().filter(trainer=user, comparison__project=OuterRef("project"))
    return ExpressionWrapper(Exists(wants) | Exists(leased), output_field=BooleanField())


TASK = TaskType(
    title=gettext_noop("Rank completions"),
    about=gettext_noop("Read a prompt and put several answers in order."),
    verb=gettext_noop("Rank the next one"),
    place=1,
    roles=RANKERS,
    begin=lambda project: reverse("next", args=[project.slug]),
    ready=_wanted,
    why_not=gettext_noop("Nothing wants ranking just now."),
)
