"""Admins of rows that belong to projects: the project decides who sees and changes which of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Model, QuerySet
from django.db.models.options import Options
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from common.admin.audit import changed_fields, entries_of, record
from common.admin.roles import Row, holds_role, is_operator, within
from common.admin.scoped import Scoped


class ProjectScopedAdmin(Scoped[Row], ModelAdmin):
    """An admin whose rows belong to projects."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = False
    compressed_fields = True
    warn_unsaved_form = True
    actions: Sequence[str] | None = ()

    # -- who may ---------------------------------------------------------------------------------
    def has_module_permission(self, request: HttpRequest) -> bool:
        return holds_role(request, self.view_roles)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj, self.view_roles)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_add and holds_role(request, self.change_roles)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_change and self._may(request, obj, self.change_roles)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_delete and self._may(request, obj, self.change_roles)

    def _may(self, request: HttpRequest, obj: Model | None, roles: tuple[str, ...]) -> bool:
        if obj is None or obj._state.adding:
            return holds_role(request, roles)
        if is_operator(request):
            return True
        rows = type(obj)._default_manager.filter(pk=obj.pk)
        return within(roles, request, rows, self.project_lookup).exists()

    # -- nothing to guess ------------------------------------------------------------------------
    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Options[Model], object_id: str
    ) -> HttpResponse:
        raise Http404

    def reachable(self, request: HttpRequest, object_id: str, *, change: bool = False) -> Row:
        """The row of that id, for a page of its own.

        Raises:
            Http404: there is none, or it is not this person's to see (or, with `change`, to change).
        """
        obj: Row | None = self.get_object(request, object_id)
        roles = self.change_roles if change else self.view_roles
        if obj is None or not self._may(request, obj, roles):
            raise Http404
        return obj

    # -- history: the audit log instead of Django's, which keeps text --------------------------------
    def log_addition(self, request: HttpRequest, obj: Model, message: object) -> None:  # type: ignore[override]
        record(request, f"{self.opts.model_name}.add", obj, changed_fields(message))

    def log_change(self, request: HttpRequest, obj: Model, message: object) -> None:  # type: ignore[override]
        record(request, f"{self.opts.model_name}.change", obj, changed_fields(message))

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:  # type: ignore[override]
        for obj in queryset:
            record(request, f"{self.opts.model_name}.delete", obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Mapping[str, object] | None = None
    ) -> HttpResponse:
        obj = self.reachable(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "object": obj,
            "title": f"History of {obj}",
            "entries": entries_of(obj)[:200],
        }
        return TemplateResponse(request, "admin/audit_history.html", context)


class BigTableAdmin(ProjectScopedAdmin[Row]):
    """For tables of millions: pages without a count."""

    paginator = InfinitePaginator
