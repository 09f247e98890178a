"""Comparisons and the leases on them. Read here; discarded by a button, with a reason."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from common.admin import BigTableAdmin, ProjectFilter, ScopedTabularInline, record
from labeling import comparisons
from labeling.admin.base import Button, PageAdmin, messages_html, short, text_html
from labeling.models import Assignment, Candidate, Comparison


class CandidateInline(ScopedTabularInline[Candidate]):
    model = Candidate
    project_lookup = "comparison__project"
    fields = readonly_fields = ("index", "text", "written_by", "is_original")
    verbose_name_plural = "Completions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Candidate]:
        return super().get_queryset(request).select_related("completion__model_version")

    @display(description="Text")
    def text(self, obj: Candidate) -> SafeString:
        return text_html(obj.completion.text)

    @display(description="Written by")
    def written_by(self, obj: Candidate) -> str:
        return obj.completion.model_name or "not said"


class AssignmentInline(ScopedTabularInline[Assignment]):
    model = Assignment
    project_lookup = "comparison__project"
    fields = readonly_fields = ("trainer", "kind", "slot", "state", "seconds", "skip_reason", "created_at", "ended_at")


def _discard(request: HttpRequest, comparison: Comparison, text: str) -> str:
    comparisons.discard(comparison=comparison, reason=text)
    return "Discarded. Its rankings stay on record and leave the exports."


def _discard_as_harmful(request: HttpRequest, comparison: Comparison, text: str) -> str:
    comparisons.discard(comparison=comparison, reason=text, harmful=True)
    return "Discarded. Its rankings and its prompt leave the exports; the prompt left the pool."


@admin.register(Comparison)
class ComparisonAdmin(PageAdmin[Comparison], BigTableAdmin[Comparison]):
    list_display = (
        "__str__",
        "project",
        "kind_label",
        "state_label",
        "votes_wanted",
        "round",
        "first_words",
        "created_at",
    )
    list_select_related = ("project", "round")
    list_filter = (ProjectFilter, "state", "kind")
    search_fields = ("=id", "prompt_key", "source")
    fields = (
        ("project", "round"),
        ("kind", "state"),
        "discard_reason",
        "prompt_text",
        ("k", "votes_wanted", "extra_votes"),
        ("author", "source", "split"),
        ("selection", "selection_margin", "selection_model"),
        "known_order",
        "explanation",
        ("created_at", "opened_at", "closed_at"),
    )
    readonly_fields = ("prompt_text", "known_order")
    inlines = (CandidateInline, AssignmentInline)
    actions = ("discard",)
    buttons = {
        "discard": Button(
            "Discard",
            _discard,
            when=lambda c: c.state != Comparison.State.DISCARDED,
            ask="Reason",
            danger=True,
            explain="Takes it out of work for good.",
        ),
        "discard_as_harmful": Button(
            "Discard as harmful",
            _discard_as_harmful,
            when=lambda c: c.state != Comparison.State.DISCARDED,
            ask="Reason",
            danger=True,
            explain="Takes it out of work for good, and its prompt out of the pool.",
        ),
    }

    @admin.action(description="Discard: takes them out of work for good", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Comparison]) -> None:
        done = 0
        for comparison in queryset:
            done += comparisons.discard(comparison=comparison, reason="Discarded in the admin site.")
            record(request, "comparison.discard", comparison)
        messages.success(request, f"{done} comparisons were discarded.")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="Kind", label={"Calibration": "warning", "Exam": "warning", "Intra-rater repeat": "info"})
    def kind_label(self, obj: Comparison) -> str:
        return str(obj.get_kind_display())

    @display(
        description="State", label={"Open": "success", "Closed": "info", "Discarded": "danger", "Sampling": "warning"}
    )
    def state_label(self, obj: Comparison) -> str:
        return str(obj.get_state_display())

    @display(description="Prompt")
    def first_words(self, obj: Comparison) -> str:
        return short(obj.prompt[-1]["content"] if obj.prompt else "", 60)

    @display(description="Prompt")
    def prompt_text(self, obj: Comparison) -> SafeString:
        return messages_html(obj.prompt)

    @display(description="Known order")
    def known_order(self, obj: Comparison) -> SafeString | str:
        if not obj.known_groups:
            return "none: this is not a calibration or exam item"
        texts = obj.texts
        rows = (
            (place, " = ".join(short(texts.get(cid, "?"), 50) for cid in group))
            for place, group in enumerate(obj.known_groups, 1)
        )
        return format_html_join("", "<div>{}. {}</div>", rows)


@admin.register(Assignment)
class AssignmentAdmin(BigTableAdmin[Assignment]):
    project_lookup = "comparison__project"
    list_display = (
        "comparison",
        "trainer",
        "kind",
        "state_label",
        "seconds",
        "skip_reason",
        "created_at",
        "expires_at",
    )
    list_select_related = ("comparison", "trainer")
    list_filter = (ProjectFilter, "state", "kind")
    search_fields = ("trainer__username", "skip_reason")
    fields = (
        ("comparison", "trainer"),
        ("kind", "slot", "state"),
        "skip_reason",
        ("seconds", "guideline_version"),
        ("order_seed", "draft_saved_at"),
        ("created_at", "heartbeat_at", "expires_at", "ended_at"),
    )

    @display(
        description="State", label={"Leased": "warning", "Submitted": "success", "Skipped": "danger", "Expired": "info"}
    )
    def state_label(self, obj: Assignment) -> str:
        return str(obj.get_state_display())
