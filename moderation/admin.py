"""Verdicts with their texts, marking of false alarms and misses, thresholds."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.requests import user_of
from common import redis_client
from common.admin import MANAGER, REVIEWERS, BigTableAdmin, ProjectFilter
from labeling.admin.base import Button, PageAdmin, RowForm, short, text_html
from moderation import marks as people
from moderation import verdicts
from moderation.models import Threshold, Verdict
from screening import rules
from screening.filters.base import FILTERS


def _harmful(request: HttpRequest, verdict: Verdict, _text: str) -> str:
    people.mark(verdict=verdict, user=user_of(request), harmful=True)
    return "Marked as harmful."


def _harmless(request: HttpRequest, verdict: Verdict, _text: str) -> str:
    people.mark(verdict=verdict, user=user_of(request), harmful=False)
    return "Marked as harmless."


@admin.register(Verdict)
class VerdictAdmin(PageAdmin[Verdict], BigTableAdmin[Verdict]):
    view_roles = change_roles = REVIEWERS
    list_display = ("excerpt", "target", "action_label", "category", "marks", "project", "created_at")
    list_select_related = ("project",)
    list_filter = (ProjectFilter, "action", "target")
    fields = (
        ("project", "target"),
        ("action", "category"),
        "text",
        "scores",
        ("filter", "filter_version"),
        "created_at",
    )
    readonly_fields = ("text",)
    actions = ("harmful", "harmless")
    buttons = {
        "harmful": Button("This text is harmful", _harmful),
        "harmless": Button("This text is harmless", _harmless),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Verdict]:
        return super().get_queryset(request).prefetch_related("feedback")

    @admin.action(description="Mark as harmful", permissions=["mark"])
    def harmful(self, request: HttpRequest, queryset: QuerySet[Verdict]) -> None:
        self._mark(request, queryset, harmful=True)

    @admin.action(description="Mark as harmless", permissions=["mark"])
    def harmless(self, request: HttpRequest, queryset: QuerySet[Verdict]) -> None:
        self._mark(request, queryset, harmful=False)

    def _mark(self, request: HttpRequest, queryset: QuerySet[Verdict], *, harmful: bool) -> None:
        for verdict in queryset:
            people.mark(verdict=verdict, user=user_of(request), harmful=harmful)
        messages.success(request, "Marked.")

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="Text")
    def excerpt(self, obj: Verdict) -> str:
        return short(verdicts.text_of(obj), 80) or "(gone)"

    @display(description="Text")
    def text(self, obj: Verdict) -> SafeString:
        return text_html(verdicts.text_of(obj))

    @display(description="Action", label={"Let through": "success", "Warned": "warning", "Blocked": "danger"})
    def action_label(self, obj: Verdict) -> str:
        return str(obj.get_action_display())

    @display(description="Marked")
    def marks(self, obj: Verdict) -> str:
        words = [word.harmful for word in obj.feedback.all() if word.harmful is not None]
        harmful = sum(words)
        return f"{harmful} harmful, {len(words) - harmful} harmless" if words else ""


class ThresholdForm(RowForm[Threshold]):
    class Meta:
        model = Threshold
        fields = ("project", "filter", "category", "warn_at", "block_at")
        help_texts = {
            "warn_at": "Score from 0 to 1 from which a text is marked.",
            "category": "One of the filter's categories.",
        }

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        name, category = self.cleaned_data.get("filter"), self.cleaned_data.get("category")
        if name not in FILTERS.choices():
            raise forms.ValidationError(f"The filters are {', '.join(FILTERS.choices())}.")
        if category not in FILTERS.load(name).categories:
            known = ", ".join(FILTERS.load(name).categories)
            raise forms.ValidationError(f"The categories of {name} are {known}.")
        warn_at, block_at = self.cleaned_data.get("warn_at"), self.cleaned_data.get("block_at")
        if warn_at is not None and block_at is not None and block_at < warn_at:
            raise forms.ValidationError("Blocking begins at or above the warning.")
        return cleaned


@admin.register(Threshold)
class ThresholdAdmin(PageAdmin[Threshold]):
    form = ThresholdForm
    view_roles = MANAGER
    may_add = True
    list_display = ("project", "filter", "category", "warn_at", "block_at", "created_at")
    list_select_related = ("project",)
    list_filter = (ProjectFilter, "category")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        return {"filter": "patterns", **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Threshold, form: ThresholdForm, change: bool) -> None:
        from moderation.tasks import rejudge

        made = rules.set_threshold(
            project=obj.project_id, filter=obj.filter, category=obj.category, warn_at=obj.warn_at, block_at=obj.block_at
        )
        obj.pk, obj._state.adding = made.pk, False
        redis_client.send_on_commit(rejudge.delay, str(obj.project_id))
