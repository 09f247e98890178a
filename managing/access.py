"""Fetch-and-authorise for the manager's pages: who may not see a project gets 404, and so does whoever guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from common.admin import MANAGER, REVIEWERS, holds_role, is_operator, project_ids
from common.compiled import compiled
from labeling.models import Project


def managed(request: HttpRequest, slug: str) -> Project:
    """A project that this person manages."""
    return _one(request, slug, MANAGER)


def reviewed(request: HttpRequest, slug: str) -> Project:
    """A project that this person reviews or manages."""
    return _one(request, slug, REVIEWERS)


def _one(request: HttpRequest, slug: str, roles: Sequence[str]) -> Project:
    for project in _called(slug):
        if is_operator(request) or project.pk in project_ids(request, roles):
            return project
    raise Http404


@compiled
def _called(slug: str) -> QuerySet[Project]:
    return Project.objects.filter(slug=slug).order_by()


def manages(request: HttpRequest, project: Project) -> bool:
    return is_operator(request) or project.pk in project_ids(request, MANAGER)


def only_reviewers(request: HttpRequest) -> None:
    """Raises Http404 for whoever reviews and manages nothing: to them this site is not there."""
    if not holds_role(request, REVIEWERS):
        raise Http404


def only_managers(request: HttpRequest) -> None:
    if not holds_role(request, MANAGER):
        raise Http404


def only_operators(request: HttpRequest) -> None:
    if not is_operator(request):
        raise Http404


def show(
    request: HttpRequest, template: str, project: Project | None = None, /, *, status: int = 200, **context: object
) -> HttpResponse:
    """A page of the site, within its project where it is one's."""
    whole: Mapping[str, object] = {"project": project, **context}
    return render(request, f"managing/{template}.html", whole, status=status)
