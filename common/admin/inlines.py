"""Inlines of rows that belong to projects."""

from __future__ import annotations

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import StackedInline, TabularInline

from common.admin.roles import Row, holds_role
from common.admin.scoped import Scoped


class ScopedInline(Scoped[Row]):
    """Rows inside a page of a row that was already authorised: the parent's permission holds."""

    extra = 0
    show_change_link = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return holds_role(request, self.view_roles)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_add and holds_role(request, self.change_roles)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_change and holds_role(request, self.change_roles)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_delete and holds_role(request, self.change_roles)


class ScopedTabularInline(ScopedInline[Row], TabularInline):
    pass


class ScopedStackedInline(ScopedInline[Row], StackedInline):
    pass
