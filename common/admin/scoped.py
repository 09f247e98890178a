"""Permissions by project, shared by admins and inlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from django import forms
from django.contrib.admin import AdminSite
from django.db.models import ForeignKey, ManyToManyField, Model, QuerySet
from django.http import HttpRequest

from common.admin.roles import MANAGER, Row, within


class Scoped(Generic[Row]):
    """Permissions by project; shared by admins and inlines. Model permissions of Django's own are not used."""

    project_lookup: str = "project"
    view_roles: tuple[str, ...] = MANAGER
    change_roles: tuple[str, ...] = MANAGER
    may_add = False
    may_change = False
    may_delete = False

    if TYPE_CHECKING:  # what the class that it is mixed into has
        admin_site: AdminSite

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows: QuerySet[Row] = super().get_queryset(request)  # type: ignore[misc]
        return within(self.view_roles, request, rows, self.project_lookup)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Model, Model], request: HttpRequest, **kwargs: object
    ) -> forms.ModelChoiceField[Model] | None:
        kwargs.setdefault("queryset", self._offered(db_field, request))
        field: forms.ModelChoiceField[Model] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return field

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Model, Model], request: HttpRequest, **kwargs: object
    ) -> forms.ModelMultipleChoiceField[Model] | None:
        kwargs.setdefault("queryset", self._offered(db_field, request))
        field: forms.ModelMultipleChoiceField[Model] | None = super().formfield_for_manytomany(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        return field

    def _offered(
        self, db_field: ForeignKey[Model, Model] | ManyToManyField[Model, Model], request: HttpRequest
    ) -> QuerySet[Model]:
        """What a choice field may offer: rows that the person sees in that model's own list."""
        related: type[Model] = db_field.remote_field.model
        other = self.admin_site._registry.get(related)
        return other.get_queryset(request) if other else related._default_manager.none()
