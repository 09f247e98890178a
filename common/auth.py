"""Deny by default, and role decorators. A role is a `labeling.Membership`; this package knows only its name."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission


class Denied(BasePermission):
    """The API's default: a view that names no permission refuses everybody."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return False
