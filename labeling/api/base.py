"""How the API's views reach rows: through querysets, so that a stranger gets 404 and a member of the
wrong role 403 with a sentence."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.models import User
from accounts.requests import user_of
from common.api import ApiView
from labeling.models import Assignment, Dialogue, Membership, Project, Turn
from labeling.projects import role_of
from labeling.roles import role_in

ROLE = Membership.Role
RANKERS = Membership.RANKERS
ANYBODY = tuple(ROLE)
STAFF = Membership.REVIEWERS
NOT_YOURS = "There is no such assignment of yours."


def project_of(request: Request, slug: str, roles: tuple[str, ...] = ANYBODY, *, operator: bool = False) -> Project:
    """The project of that slug, for a member with one of `roles`, or an operator where `operator` says so.

    Raises:
        Http404: not a member. PermissionDenied: a member with another role.
    """
    user = user_of(request)
    project = Project.objects.visible_to(user).filter(slug=slug).first()
    if project is None:
        raise Http404("There is no such project, or you are not a member of it.")
    if operator and user.is_superuser:
        return project
    if (role := role_of(project, user)) not in roles:
        yours = f"its {role}" if role else "not a member"
        raise PermissionDenied(f"This takes the role {' or '.join(roles)} in the project; you are {yours}.")
    return project


def assignment_of(request: Request, pk: UUID) -> Assignment:
    """The caller's own assignment, while they are a member of its project."""
    return assignment_of_user(user_of(request), pk)


def assignment_of_user(user: User, pk: UUID) -> Assignment:
    rows = Assignment.objects.of(user).select_related("comparison__project", "guideline_version")
    found = rows.filter(pk=pk, comparison__project__in=Project.objects.visible_to(user)).first()
    if found is None:
        raise Http404(NOT_YOURS)
    return found


def dialogue_of(request: Request, pk: UUID, *, own: bool = True) -> Dialogue:
    """A dialogue that the caller may see as a member of its project; with `own`, one that they write."""
    user = user_of(request)
    rows = Dialogue.objects.visible_to(user).filter(project__in=Project.objects.visible_to(user))
    rows = rows.select_related("project", "pending_request").annotate(role=role_in(user, "project"))
    if own:
        rows = rows.filter(author=user)
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such dialogue of yours.")
    return found


def turn_of(request: Request, pk: UUID, *, own: bool = True) -> Turn:
    turn = Turn.objects.filter(pk=pk).first()
    if turn is None:
        raise Http404("There is no such turn.")
    turn.dialogue = dialogue_of(request, turn.dialogue_id, own=own)
    return turn


__all__ = [
    "ANYBODY",
    "NOT_YOURS",
    "RANKERS",
    "ROLE",
    "STAFF",
    "ApiView",
    "assignment_of",
    "assignment_of_user",
    "dialogue_of",
    "project_of",
    "turn_of",
    "user_of",
]
