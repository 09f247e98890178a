"""Deny by default, and permissions by role. A role is a `labeling.Membership`; this package knows only its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.project_roles import projects_by_role

if TYPE_CHECKING:
    from rest_framework.views import APIView  # its module reads settings that name a user of this one

SCOPES: Mapping[str, str] = {
    "read": "look at projects, progress, insights, models and own work",
    "label": "take assignments, rank, chat, write demonstrations, give feedback",
    "import": "bring own completions",
    "export": "start and download exports",
    "manage": "register models, webhooks",
}


class Denied(BasePermission):
    """The API's default: a view that names no permission refuses everybody."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class ManagesSomething(BasePermission):
    """Operators, and managers of any live project."""

    message = "This is for managers of a project and for operators."

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        return user.is_superuser or bool(projects_by_role(user).get("manager"))


class Operates(BasePermission):
    """Operators only."""

    message = "This is for operators."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_superuser)
