"""Projects: every setting explained in a sentence, a short form for a new one, a checklist until it runs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from unfold.decorators import display

from accounts.models import User
from common.admin import MANAGER, REVIEWERS, is_operator
from labeling import projects
from labeling.admin.base import Button, PageAdmin
from labeling.admin.import_page import import_page
from labeling.admin.project_form import NewProjectForm, ProjectForm
from labeling.models import GuidelineVersion, Membership, Project, Prompt, Round


def _archive(request: HttpRequest, project: Project, _text: str) -> str:
    projects.set_archived(project=project, archived=True)
    return f"{project.title} is archived: nothing more is handed out, and its data stays."


def _unarchive(request: HttpRequest, project: Project, _text: str) -> str:
    projects.set_archived(project=project, archived=False)
    return f"{project.title} is active again."


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("archived", "Archived")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "archived":
            return queryset.filter(archived_at__isnull=False)
        return queryset.filter(archived_at__isnull=True) if self.value() == "active" else queryset


@admin.register(Project)
class ProjectAdmin(PageAdmin):
    project_lookup = "pk"
    view_roles = REVIEWERS
    may_add = may_change = True
    form = ProjectForm
    list_display = ("title", "slug", "open_round", "members", "is_active", "insight_links")
    list_filter = (StateFilter,)
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = ProjectForm.FIELDSETS
    add_fieldsets = NewProjectForm.FIELDSETS
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .annotate(people=Count("memberships", filter=Q(memberships__ended_at__isnull=True), distinct=True))
            .prefetch_related("rounds")
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        if obj is None:
            kwargs["form"] = NewProjectForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("<uuid:object_id>/import/", view, name="labeling_project_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return import_page(self, request, self.reachable(request, str(object_id), Project, change=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """New: through `create_project`, its maker becoming manager. Changed: only what changed."""
        user = cast(User, request.user)
        values = {name: form.cleaned_data[name] for name in form.changed_settings()}
        if change:
            projects.change_settings(project=obj, **values)
            return
        made = projects.create_project(**{**form.settings(), "by": user})
        if not is_operator(request):
            projects.set_membership(project=made, user=user, role=Membership.Role.MANAGER)
            del request._projects_by_role  # type: ignore[attr-defined]  # read again: one more project
        obj.pk, obj._state.adding = made.pk, False
        obj.refresh_from_db()
        if policies := form.policies():
            projects.open_round(project=made, policies=policies, note="First round")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the project has no related rows in its own form."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj.title} is set up. What is left to do stands below.")
        return HttpResponseRedirect(reverse("admin:labeling_project_change", args=[obj.pk]))

    def headline(self, obj: Any) -> str:
        round_ = projects.current_round(obj)
        state = f"Round {round_.number} is open." if round_ else "No round is open: nothing can be sampled."
        return f"Archived. {state}" if obj.archived_at else state

    def links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        pages = [
            ("Progress", "insights:progress", [obj.slug], ""),
            ("Insights", "insights:project", [obj.slug], ""),
            ("Review queue", "admin:labeling_ranking_queue", [], f"?in_project={obj.slug}"),
        ]
        if self._may(request, obj, MANAGER):
            mine = f"?in_project={obj.slug}"
            pages += [
                ("People and invitations", "people", [obj.slug], ""),
                ("Rounds", "admin:labeling_round_changelist", [], mine),
                ("Guidelines", "admin:labeling_guidelineversion_changelist", [], mine),
                ("Prompts", "admin:labeling_prompt_changelist", [], mine),
                ("Import", "admin:labeling_project_import", [obj.pk], ""),
                ("Content filter", "admin:moderation_verdict_report", [obj.slug], ""),
                ("Exports", "admin:exports_exportrun_changelist", [], mine),
            ]
        return [(label, address) for label, name, args, query in pages if (address := _address(name, args, query))]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        extra = dict(extra_context or {})
        if object_id and (obj := self.get_object(request, object_id)) is not None and self._may(request, obj, MANAGER):
            steps = checklist(obj)
            extra["checklist"] = steps if not all(done for done, _, _ in steps) else []
        return super().changeform_view(request, object_id, form_url, extra)

    @display(description="Round")
    def open_round(self, obj: Any) -> str:
        return next((f"{r.number} (open)" for r in obj.rounds.all() if r.closed_at is None), "none open")

    @display(description="Members", ordering="people")
    def members(self, obj: Any) -> int:
        return int(obj.people)

    @display(description="Active", boolean=True)
    def is_active(self, obj: Any) -> bool:
        return obj.archived_at is None

    @display(description="Look at")
    def insight_links(self, obj: Any) -> Any:
        from django.utils.html import format_html_join

        pages = (
            ("progress", _address("insights:progress", [obj.slug])),
            ("insights", _address("insights:project", [obj.slug])),
        )
        return format_html_join(" · ", '<a class="dl-link" href="{}">{}</a>', ((a, n) for n, a in pages if a))


def checklist(project: Project) -> list[tuple[bool, str, str]]:
    """(done, what to do, where) until a newcomer's project runs."""
    mine = f"?project={project.pk}"
    trainers = project.memberships.filter(ended_at__isnull=True, role=Membership.Role.TRAINER)
    return [
        (
            GuidelineVersion.objects.filter(project=project).exists(),
            "Write the guidelines that trainers see",
            _address("admin:labeling_guidelineversion_add", [], mine),
        ),
        (
            Round.objects.filter(project=project, closed_at__isnull=True).exists(),
            "Open a round: choose which model versions answer",
            _address("admin:labeling_round_add", [], mine),
        ),
        (trainers.exists(), "Invite trainers", _address("people", [project.slug])),
        (
            Prompt.objects.filter(project=project).exists() or project.stock_target == 0,
            "Add prompts, so that comparisons are ready before the first chat (optional)",
            _address("admin:labeling_prompt_add", [], mine),
        ),
    ]


def _address(name: str, args: list[Any], query: str = "") -> str:
    try:
        return reverse(name, args=args) + query
    except NoReverseMatch:  # that page is not part of this installation
        return ""
