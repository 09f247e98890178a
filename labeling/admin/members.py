"""Members and their roles. People from outside come by invitation (the page of people and invitations)."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.models import User
from accounts.requests import user_of
from common.admin import MANAGER, ProjectFilter, is_operator, project_ids, within
from labeling import projects
from labeling.admin.base import Button, PageAdmin, RowForm
from labeling.models import Membership, Project


class MembershipForm(RowForm[Membership]):
    class Meta:
        model = Membership
        fields = ("project", "user", "role", "label_weight")
        help_texts = {
            "user": "People of your projects. Others: send an invitation from the project's people page.",
            "role": "A guest chats and gives feedback; a trainer also writes and ranks; a reviewer also reviews; "
            "a manager also sets up the project.",
            "label_weight": "How far this person's labels are trusted from now on, 0 to 1; exported with each label.",
        }

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        project, user = self.cleaned_data.get("project"), self.cleaned_data.get("user")
        if self.instance._state.adding and project and user and projects.role_of(project, user):
            raise forms.ValidationError(f"{user} is a member already.")
        return cleaned

    def validate_unique(self) -> None:
        """Somebody who left may come back: `set_membership` takes up the old row."""


def _end(request: HttpRequest, membership: Membership, _text: str) -> str:
    projects.end_membership(project=membership.project, user=membership.user, by=user_of(request))
    return f"{membership.user} has no access any more. What they labelled stays."


class LivesFilter(admin.SimpleListFilter):
    title = "membership"
    parameter_name = "membership"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("live", "Live"), ("ended", "Ended"), ("withdrawn", "Data withdrawn")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> QuerySet[Membership]:
        narrowed = {
            "live": Q(ended_at__isnull=True),
            "ended": Q(ended_at__isnull=False),
            "withdrawn": Q(withdrawn_at__isnull=False),
        }
        chosen = narrowed.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(Membership)
class MembershipAdmin(PageAdmin[Membership]):
    form = MembershipForm
    may_add = may_change = True
    list_display = ("user", "project", "role", "is_live", "label_weight", "created_at")
    list_select_related = ("user", "project")
    list_filter = (ProjectFilter, "role", LivesFilter)
    search_fields = ("user__username", "user__first_name", "user__last_name", "project__title")
    fields = ("project", "user", "role", "label_weight")
    buttons = {
        "end": Button(
            "End membership",
            _end,
            when=lambda m: m.ended_at is None,
            danger=True,
            explain="Takes the role away. Their labels stay; their data is withdrawn by `manage.py withdraw`.",
        )
    }

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("project", "user") if obj is not None else ()

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Model, Model], request: HttpRequest, **kwargs: object
    ) -> forms.ModelChoiceField[Model] | None:
        if db_field.name == "project":
            kwargs["queryset"] = within(MANAGER, request, Project.objects.active(), "pk")
        if db_field.name == "user":
            people = User.objects.filter(is_active=True).order_by("username")
            if not is_operator(request):  # nobody learns here who else has an account
                mine = Q(memberships__project__in=project_ids(request, MANAGER))
                people = people.filter(mine | Q(pk=request.user.pk)).distinct()
            kwargs["queryset"] = people
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: MembershipForm, change: bool) -> None:
        stored = projects.set_membership(project=obj.project, user=obj.user, role=obj.role, by=user_of(request))
        projects.set_label_weight(membership=stored, weight=obj.label_weight)
        obj.pk, obj._state.adding = stored.pk, False

    def headline(self, obj: Membership) -> str:
        if obj.is_away:
            return "Their data was withdrawn and is left out of every export."
        if obj.withdrawn_at and not obj.ended_at:
            return f"Came back: what they wrote before {obj.returned_at:%d %B %Y} is left out of every export."
        return "Has left." if obj.ended_at else f"{obj.get_role_display()} since {obj.created_at:%d %B %Y}."

    @display(description="Live", boolean=True)
    def is_live(self, obj: Membership) -> bool:
        return obj.ended_at is None
