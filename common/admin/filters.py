"""Filters of lists in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from common.admin.roles import within

if TYPE_CHECKING:
    from common.admin.scoped import Scoped


class ProjectFilter(SimpleListFilter):
    """Filter by project; offers only projects that the person may see, without a scan of the rows."""

    title = "project"
    parameter_name = "in_project"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: ModelAdmin[Model]
    ) -> None:
        scoped = cast("Scoped[Model]", model_admin)
        self.lookup, self.roles = scoped.project_lookup, scoped.view_roles
        self.projects = model_at(model, self.lookup)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Model]) -> list[tuple[str, str]]:
        projects = within(self.roles, request, self.projects._default_manager.all(), "pk")
        return [
            (str(slug), str(title)) for slug, title in projects.order_by("title").values_list("slug", "title")[:200]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value = self.value()
        if not value:
            return queryset
        own = within(self.roles, request, self.projects._default_manager.filter(slug=value), "pk")
        return queryset.filter(**{f"{self.lookup}__in": own.values("pk")})


def model_at(model: type[Model], lookup: str) -> type[Model]:
    """The model to which a path of relations leads; `pk` is the model itself."""
    for step in lookup.split("__"):
        if step != "pk":
            model = cast("type[Model]", model._meta.get_field(step).related_model)
    return model
