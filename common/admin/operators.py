"""Admins of rows of the whole installation."""

from __future__ import annotations

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.admin.projects import ProjectScopedAdmin
from common.admin.roles import MANAGER, NOBODY, Row, holds_role, is_operator


class OperatorAdmin(ProjectScopedAdmin[Row]):
    """Rows of the whole installation: operators change them; managers see them where `managers_see`."""

    managers_see = False
    change_roles = NOBODY

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows: QuerySet[Row] = ModelAdmin.get_queryset(self, request)
        return rows if self.has_module_permission(request) else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request) or (self.managers_see and holds_role(request, MANAGER))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def _may(self, request: HttpRequest, obj: Model | None, roles: tuple[str, ...]) -> bool:
        if roles == self.change_roles:
            return is_operator(request)
        return self.has_module_permission(request)
