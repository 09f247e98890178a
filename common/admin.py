"""Base classes of the admin site: who sees and changes which rows.

A row belongs to a project; `project_lookup` says by which path. Members with one of `view_roles`
see the rows of their projects, those with one of `change_roles` may change them, an operator sees
and changes all. A stranger gets 404, never a hint. Nothing is deleted here: rows end, retire or are
superseded. What an admin changes is written to the audit log as ids and field names, never text.

This package imports no app: memberships come from the user's reverse relation, and the audit log's
function from the setting AUDIT_RECORD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import ForeignKey, ManyToManyField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.module_loading import import_string
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.paginator import InfinitePaginator

MANAGER = ("manager",)
REVIEWERS = ("reviewer", "manager")
NOBODY: tuple[str, ...] = ()


def projects_by_role(request: HttpRequest) -> dict[str, set[UUID]]:
    """The signed-in person's live roles, each with its projects; read once per request."""
    found: dict[str, set[UUID]] | None = getattr(request, "_projects_by_role", None)
    if found is None:
        found = {}
        if request.user.is_authenticated and request.user.is_active:
            rows = request.user.memberships.filter(ended_at__isnull=True).order_by().values_list("role", "project_id")
            for role, project_id in rows:
                found.setdefault(role, set()).add(project_id)
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


def record(request: HttpRequest, action: str, obj: Model, fields: Sequence[str] = ()) -> None:
    """Write an audit entry; `settings.AUDIT_RECORD` names the function."""
    import_string(settings.AUDIT_RECORD)(actor=request.user, action=action, obj=obj, fields=list(fields))


def within(roles: Sequence[str], request: HttpRequest, rows: QuerySet[Any], lookup: str) -> QuerySet[Any]:
    """`rows` narrowed to the projects in which the person holds one of `roles`."""
    if is_operator(request):
        return rows
    return rows.filter(**{f"{lookup}__in": project_ids(request, roles)})


class ProjectFilter(admin.SimpleListFilter):
    """Filter by project; offers only projects that the person may see, without a scan of the rows."""

    title = "project"
    parameter_name = "in_project"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.lookup = model_admin.project_lookup
        self.roles = model_admin.view_roles
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        projects = within(self.roles, request, apps.get_model("labeling", "Project").objects.all(), "pk")
        return [(project.slug, project.title) for project in projects.order_by("title")[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        own = within(self.roles, request, apps.get_model("labeling", "Project").objects.filter(slug=value), "pk")
        return queryset.filter(**{f"{self.lookup}__in": own.values("pk")})


class Scoped:
    """Permissions by project; shared by admins and inlines. Model permissions of Django's own are not used."""

    project_lookup: str = "project"
    view_roles: tuple[str, ...] = MANAGER
    change_roles: tuple[str, ...] = MANAGER
    may_add = False
    may_change = False
    may_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return within(self.view_roles, request, super().get_queryset(request), self.project_lookup)  # type: ignore[misc]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        kwargs.setdefault("queryset", self._offered(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField | None:
        kwargs.setdefault("queryset", self._offered(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def _offered(self, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """What a choice field may offer: rows that the person sees in that model's own list."""
        related = db_field.remote_field.model
        other = self.admin_site._registry.get(related)  # type: ignore[attr-defined]
        return other.get_queryset(request) if other else related._default_manager.none()


class ProjectScopedAdmin(Scoped, ModelAdmin):
    """An admin whose rows belong to projects."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = False
    compressed_fields = True
    warn_unsaved_form = True
    actions: Sequence[Any] | None = ()

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
    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404

    def reachable(self, request: HttpRequest, object_id: str, *, change: bool = False) -> Any:
        """The row of that id, for a page of its own.

        Raises:
            Http404: there is none, or it is not this person's to see (or, with `change`, to change).
        """
        obj = self.get_object(request, object_id)
        roles = self.change_roles if change else self.view_roles
        if obj is None or not self._may(request, obj, roles):
            raise Http404
        return obj

    # -- history: the audit log instead of Django's, which keeps text --------------------------------
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record(request, f"{self.opts.model_name}.add", obj, _fields(message))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record(request, f"{self.opts.model_name}.change", obj, _fields(message))

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            record(request, f"{self.opts.model_name}.delete", obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.reachable(request, object_id)
        entries = apps.get_model("accounts", "AuditEntry").objects.filter(
            object_type=self.opts.label_lower, object_id=str(obj.pk)
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "object": obj,
            "title": f"History of {obj}",
            "entries": entries.select_related("actor")[:200],
        }
        return TemplateResponse(request, "admin/audit_history.html", context)


class BigTableAdmin(ProjectScopedAdmin):
    """For tables of millions: pages without a count."""

    paginator = InfinitePaginator


class ScopedInline(Scoped):
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


class ScopedTabularInline(ScopedInline, TabularInline):
    pass


class ScopedStackedInline(ScopedInline, StackedInline):
    pass


class OperatorAdmin(ProjectScopedAdmin):
    """Rows of the whole installation: operators change them; managers see them where `managers_see`."""

    managers_see = False
    change_roles = NOBODY

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = ModelAdmin.get_queryset(self, request)
        return rows if self.has_module_permission(request) else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request) or (self.managers_see and holds_role(request, MANAGER))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def _may(self, request: HttpRequest, obj: Model | None, roles: tuple[str, ...]) -> bool:
        if roles == self.change_roles:
            return is_operator(request)
        return self.has_module_permission(request)


def _fields(message: Any) -> list[str]:
    """Names of changed fields out of Django's change message (which, for inlines, also carries text)."""
    if not isinstance(message, list):
        return []
    names: list[str] = []
    for part in message:
        for change in part.values() if isinstance(part, dict) else ():
            names.extend(str(name) for name in change.get("fields", ()))
    return names
