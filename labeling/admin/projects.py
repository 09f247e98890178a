"""Projects: every setting explained in a sentence, a short form for a new one, a checklist until it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.requests import user_of
from common.admin import MANAGER, REVIEWERS, is_operator
from labeling import projects
from labeling.admin import new_project, project_form
from labeling.admin.base import Button, PageAdmin, RowForm
from labeling.admin.import_page import import_page
from labeling.admin.new_project import NewProjectForm
from labeling.admin.project_form import ProjectForm
from labeling.admin.project_links import address_of, checklist, links
from labeling.models import Membership, Project

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


class _Counted(TypedDict):
    people: int


def _archive(request: HttpRequest, project: Project, _text: str) -> str:
    projects.set_archived(project=project, archived=True)
    return f"{project.title} is archived: nothing more is handed out, and its data stays."


def _unarchive(request: HttpRequest, project: Project, _text: str) -> str:
    projects.set_archived(project=project, archived=False)
    return f"{project.title} is active again."


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("active", "Active"), ("archived", "Archived")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> QuerySet[Project]:
        if self.value() == "archived":
            return queryset.filter(archived_at__isnull=False)
        return queryset.filter(archived_at__isnull=True) if self.value() == "active" else queryset


@admin.register(Project)
class ProjectAdmin(PageAdmin[Project]):
    project_lookup = "pk"
    view_roles = REVIEWERS
    may_add = may_change = True
    form = ProjectForm
    list_display = ("title", "slug", "open_round", "members", "is_active", "insight_links")
    list_filter = (StateFilter,)
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = project_form.FIELDSETS
    add_fieldsets = new_project.FIELDSETS
    buttons = {
        "archive": Button(
            "Archive",
            _archive,
            when=lambda p: p.archived_at is None,
            danger=True,
            explain="Hands out no more work and leaves the nightly export; nothing is deleted.",
        ),
        "unarchive": Button("Make active again", _unarchive, when=lambda p: p.archived_at is not None),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        rows: QuerySet[Project] = super().get_queryset(request)
        return rows.annotate(
            people=Count("memberships", filter=Q(memberships__ended_at__isnull=True), distinct=True)
        ).prefetch_related("rounds")

    def get_form(
        self, request: HttpRequest, obj: Project | None = None, change: bool = False, **kwargs: object
    ) -> type[ModelForm[Project]]:
        if obj is None:
            kwargs["form"] = NewProjectForm
        form: type[ModelForm[Project]] = super().get_form(request, obj, change=change, **kwargs)
        return form

    def get_prepopulated_fields(self, request: HttpRequest, obj: Project | None = None) -> dict[str, Sequence[str]]:
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("<uuid:object_id>/import/", view, name="labeling_project_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return import_page(self, request, self.reachable(request, str(object_id), change=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> tuple[str, ...]:
        return ("slug",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Project, form: ProjectForm | NewProjectForm, change: bool) -> None:
        """New: through `create_project`, its maker becoming manager. Changed: only what changed."""
        user = user_of(request)
        if isinstance(form, ProjectForm):
            values = {name: form.cleaned_data[name] for name in form.changed_settings()}
            projects.change_settings(project=obj, **values)
            return
        made = form.create(by=user)
        if not is_operator(request):
            projects.set_membership(project=made, user=user, role=Membership.Role.MANAGER)
            vars(request).pop("_projects_by_role", None)  # read again: one more project
        obj.pk, obj._state.adding = made.pk, False
        obj.refresh_from_db()
        if policies := form.policies():
            projects.open_round(project=made, policies=policies, note="First round")

    def save_related(self, request: HttpRequest, form: RowForm[Project], formsets: object, change: bool) -> None:
        """Nothing: the project has no related rows in its own form."""

    def response_add(self, request: HttpRequest, obj: Project, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj.title} is set up. What is left to do stands below.")
        return HttpResponseRedirect(reverse("admin:labeling_project_change", args=[obj.pk]))

    def headline(self, obj: Project) -> str:
        round_ = projects.current_round(obj)
        state = f"Round {round_.number} is open." if round_ else "No round is open: nothing can be sampled."
        return f"Archived. {state}" if obj.archived_at else state

    def links(self, request: HttpRequest, obj: Project) -> list[tuple[str, str]]:
        return links(obj, manager=self._may(request, obj, MANAGER))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        if object_id and (obj := self.get_object(request, object_id)) is not None and self._may(request, obj, MANAGER):
            steps = checklist(obj)
            extra["checklist"] = steps if not all(done for done, _, _ in steps) else []
        return super().changeform_view(request, object_id, form_url, extra)

    @display(description="Round")
    def open_round(self, obj: Project) -> str:
        return next((f"{r.number} (open)" for r in obj.rounds.all() if r.closed_at is None), "none open")

    @display(description="Members", ordering="people")
    def members(self, obj: WithAnnotations[Project, _Counted]) -> int:
        return int(obj.people)

    @display(description="Active", boolean=True)
    def is_active(self, obj: Project) -> bool:
        return obj.archived_at is None

    @display(description="Look at")
    def insight_links(self, obj: Project) -> SafeString:
        pages = (
            ("progress", address_of("insights:progress", [obj.slug])),
            ("insights", address_of("insights:project", [obj.slug])),
        )
        return format_html_join(" · ", '<a class="dl-link" href="{}">{}</a>', ((a, n) for n, a in pages if a))
