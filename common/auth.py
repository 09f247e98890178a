"""Deny by default, and role decorators. A role is a `labeling.Membership`; this package knows only its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission

SCOPES: Mapping[str, str] = {
    "read": "look at projects, progress, insights, models and own work",
    "label": "take assignments, rank, chat, write demonstrations, give feedback",
    "import": "bring own completions",
    "export": "start and download exports",
    "manage": "register models, webhooks",
}


class Denied(BasePermission):
    """The API's default: a view that names no permission refuses everybody."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class ManagesSomething(BasePermission):
    """Operators, and managers of any live project."""

    message = "This is for managers of a project and for operators."

    def has_permission(self, request: Any, view: Any) -> bool:
        user = request.user
        if not (user and user.is_authenticated):
            return False
        return user.is_superuser or user.memberships.filter(role="manager", ended_at__isnull=True).exists()


class Operates(BasePermission):
    """Operators only."""

    message = "This is for operators."

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_superuser)
