"""Fetch-and-authorise for the reviewer's pages: work of a project in which the person reviews; an operator gets any."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from common.compiled import compiled
from labeling.models import Comparison, Dialogue, Membership, Ranking
from labeling.views._shared import PageRequest, one

if TYPE_CHECKING:
    from accounts.models import User


def reviewed_ranking(request: PageRequest, pk: UUID) -> Ranking:
    return one(_any_ranking(pk) if request.user.is_superuser else _ranking(request.user, pk))


def reviewed_dialogue(request: PageRequest, pk: UUID) -> Dialogue:
    return one(_any_dialogue(pk) if request.user.is_superuser else _dialogue(request.user, pk))


def reviewed_comparison(request: PageRequest, pk: UUID) -> Comparison:
    return one(_any_comparison(pk) if request.user.is_superuser else _comparison(request.user, pk))


@compiled
def _ranking(user: User, pk: UUID) -> QuerySet[Ranking]:
    return _rankings().filter(_reviews_in(user, "comparison__project"), pk=pk)


@compiled
def _any_ranking(pk: UUID) -> QuerySet[Ranking]:
    return _rankings().filter(pk=pk)


def _rankings() -> QuerySet[Ranking]:
    related = ("comparison__project", "trainer", "guideline_version", "superseded_by", "review_item")
    return Ranking.objects.select_related(*related).order_by()


@compiled
def _dialogue(user: User, pk: UUID) -> QuerySet[Dialogue]:
    return _dialogues().filter(_reviews_in(user, "project"), pk=pk)


@compiled
def _any_dialogue(pk: UUID) -> QuerySet[Dialogue]:
    return _dialogues().filter(pk=pk)


def _dialogues() -> QuerySet[Dialogue]:
    return Dialogue.objects.select_related("project", "author", "guideline_version", "review_item").order_by()


@compiled
def _comparison(user: User, pk: UUID) -> QuerySet[Comparison]:
    return Comparison.objects.filter(_reviews_in(user, "project"), pk=pk).select_related("project").order_by()


@compiled
def _any_comparison(pk: UUID) -> QuerySet[Comparison]:
    return Comparison.objects.filter(pk=pk).select_related("project").order_by()


def _reviews_in(user: User, project_ref: str) -> Exists:
    live = Membership.objects.filter(project=OuterRef(project_ref), user=user, ended_at__isnull=True)
    return Exists(live.filter(role__in=Membership.REVIEWERS))
