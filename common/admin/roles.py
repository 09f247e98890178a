"""Who sees which rows: the roles of the signed-in person, and querysets narrowed to their projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from common import project_roles
from common.project_roles import ProjectsByRole

MANAGER = ("manager",)
REVIEWERS = ("reviewer", "manager")
NOBODY: tuple[str, ...] = ()
Row = TypeVar("Row", bound=Model)


def projects_by_role(request: HttpRequest) -> ProjectsByRole:
    """The signed-in person's live roles, each with its projects; read once per request."""
    found: ProjectsByRole | None = getattr(request, "_projects_by_role", None)
    if found is None:
        found = project_roles.projects_by_role(request.user)
        request._projects_by_role = found  # type: ignore[attr-defined]
    return found


def is_operator(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def project_ids(request: HttpRequest, roles: Sequence[str]) -> set[UUID]:
    """Projects in which the signed-in person holds one of `roles` (an operator's list is not here)."""
    by_role = projects_by_role(request)
    return {project_id for role in roles for project_id in by_role.get(role, ())}


def holds_role(request: HttpRequest, roles: Sequence[str]) -> bool:
    return is_operator(request) or bool(project_ids(request, roles))


def within(roles: Sequence[str], request: HttpRequest, rows: QuerySet[Row], lookup: str) -> QuerySet[Row]:
    """`rows` narrowed to the projects in which the person holds one of `roles`."""
    if is_operator(request):
        return rows
    return rows.filter(**{f"{lookup}__in": project_ids(request, roles)})
