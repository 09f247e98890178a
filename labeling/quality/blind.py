"""What a person is not shown before they have judged it themselves: who wrote the completions of a comparison, and
what others said of them. Reads only.

A manager sets the policies up and knows the names; what a manager has taken as a task is kept from them all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Now

from common.compiled import compiled
from labeling import undo
from labeling.models import Assignment, Comparison, Dialogue, Membership, Ranking

if TYPE_CHECKING:
    from accounts.models import User


def still_open(rows: QuerySet[Comparison], person: User) -> QuerySet[Comparison]:
    """Those of `rows` that this person holds as a task, may take back their own vote on, or, as a reviewer who ranks,
    may yet be given."""
    here = Q(comparison=OuterRef("pk"), trainer=person)
    expired = Q(state=Assignment.State.EXPIRED, comparison__state=Comparison.State.OPEN)
    held = Exists(Assignment.objects.filter(here, Q(state=Assignment.State.LEASED) | expired).order_by())
    minutes = ExpressionWrapper(
        F("comparison__project__undo_minutes") * Value(timedelta(minutes=1)), output_field=DurationField()
    )
    own = Ranking.objects.in_force().filter(here, undo.unseen_rankings(), kind=Ranking.Kind.VOTE)
    undoable = Exists(own.filter(submitted_at__gt=Now() - minutes).order_by())
    to_come = (
        Q(_reviewer("project", person))
        & (Q(only_for__isnull=True) | Q(only_for=person))
        & (Q(author__isnull=True) | ~Q(author=person) | Q(project__exclude_own_chats=False))
        & Q(state__in=(Comparison.State.SAMPLING, Comparison.State.OPEN))
        & ~Exists(Assignment.objects.filter(here).order_by())  # nobody is given one twice
    )
    return rows.filter(Q(held) | Q(undoable) | to_come)


def is_open(comparison: Comparison, person: User) -> bool:
    return bool(_open(comparison, person))


@compiled
def _open(comparison: Comparison, person: User) -> QuerySet[Comparison, UUID]:
    return still_open(Comparison.objects.filter(pk=comparison.pk), person).order_by().values_list("pk", flat=True)


def hides_names(person: User) -> Q:
    """Of dialogues: chats whose answers this person may yet rank. A draft may still become a comparison."""
    mine = still_open(Comparison.objects.filter(dialogue=OuterRef("pk")), person).order_by()
    draft = Q(state=Dialogue.State.DRAFT) & Q(_reviewer("project", person))
    return Q(kind=Dialogue.Kind.CHAT) & (draft | Q(Exists(mine)))


def names_hidden(dialogue: Dialogue, person: User) -> bool:
    return bool(_nameless(dialogue, person))


@compiled
def _nameless(dialogue: Dialogue, person: User) -> QuerySet[Dialogue, UUID]:
    return Dialogue.objects.filter(hides_names(person), pk=dialogue.pk).order_by().values_list("pk", flat=True)


def _reviewer(project: str, person: User) -> Exists:
    live = Membership.objects.filter(project=OuterRef(project), user=person, ended_at__isnull=True)
    return Exists(live.filter(role=Membership.Role.REVIEWER))
