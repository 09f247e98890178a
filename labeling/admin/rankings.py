"""Rankings. Read here; decided on the review page."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.requests import user_of
from common.admin import (
    MANAGER,
    REVIEWERS,
    BigTableAdmin,
    ProjectFilter,
    ScopedTabularInline,
    within,
)
from labeling.admin.base import Button, PageAdmin, messages_html
from labeling.admin.orders import spelled
from labeling.errors import LabelingError
from labeling.models import Comparison, Project, Ranking, Review
from labeling.quality import blind, hidden, reviews


def _ask(request: HttpRequest, ranking: Ranking, _text: str) -> str:
    reviews.ask_review(ranking=ranking)
    return "It waits in the review queue."


def _calibration(request: HttpRequest, ranking: Ranking, _text: str) -> str:
    hidden.make_original(ranking=ranking, kind=Comparison.Kind.CALIBRATION)
    return "Made a hidden calibration item with this order. Trainers meet it in the share set for the project."


def _exam(request: HttpRequest, ranking: Ranking, text: str) -> str:
    hidden.make_original(ranking=ranking, kind=Comparison.Kind.EXAM, explanation=text)
    return "Made an exam item with this order."


def _practice(request: HttpRequest, ranking: Ranking, text: str) -> str:
    hidden.make_original(ranking=ranking, kind=Comparison.Kind.EXAM, explanation=text, practice=True)
    return "Made a practice item: after ranking it, a trainer sees this order and your explanation."


def _orders(ranking: Ranking) -> bool:
    return len(ranking.groups) > 1


class ReviewInline(ScopedTabularInline[Review]):
    model = Review
    project_lookup = "ranking__comparison__project"
    view_roles = REVIEWERS
    fields = readonly_fields = ("decision", "comment", "reviewer", "created_at")
    verbose_name_plural = "Decisions"


@admin.register(Ranking)
class RankingAdmin(PageAdmin[Ranking], BigTableAdmin[Ranking]):
    project_lookup = "comparison__project"
    view_roles = change_roles = REVIEWERS
    list_display = ("__str__", "trainer", "kind", "order_text", "standing", "took", "submitted_at")
    list_select_related = ("trainer", "comparison__project")
    list_filter = (ProjectFilter, "kind")
    search_fields = ("=id", "trainer__username", "note")
    fields = (
        ("comparison", "trainer"),
        ("kind", "guideline_version"),
        "prompt_text",
        "order_full",
        "note",
        "not_rankable",
        ("contradiction_confirmed", "label_weight"),
        ("submitted_at", "seconds"),
        ("undone_at", "supersedes"),
    )
    readonly_fields = ("prompt_text", "order_full")
    inlines = (ReviewInline,)
    actions = ("accept",)
    buttons = {
        "ask": Button("Put into the review queue", _ask),
        "calibration": Button(
            "Make a calibration item",
            _calibration,
            when=_orders,
            explain="Copies the completions with this order as the known one. Do it only for an order you are sure of.",
        ),
        "exam": Button("Make an exam item", _exam, when=_orders, ask="Why this order is right"),
        "practice": Button("Make a practice item", _practice, when=_orders, ask="Why this order is right"),
    }

    @admin.action(description="Accept (as their reviewer)", permissions=["review"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Ranking]) -> None:
        """Bulk acceptance, marked so; own work and versions no longer in force are refused one by one."""
        done, bulk = 0, uuid4()
        for ranking in queryset:
            try:
                reviews.decide(reviewer=user_of(request), decision=Review.Decision.ACCEPTED, ranking=ranking, bulk=bulk)
                done += 1
            except LabelingError as refusal:
                messages.warning(request, f"{ranking}: {refusal}")
        messages.success(request, f"{done} rankings were accepted.")

    def has_review_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("queue/", wrap(self.queue_view), name="labeling_ranking_queue"),
            path("<uuid:object_id>/review/", wrap(self.review_view), name="labeling_ranking_review"),
            *super().get_urls(),
        ]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """The queue has pages of its own, `labeling/views/review_queue.py`."""
        slug = request.GET.get("in_project", "")
        known = within(REVIEWERS, request, Project.objects.all(), "pk").filter(slug=slug).exists()
        return redirect("review-queue", slug) if known else redirect("reviews")

    def review_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return redirect("review-ranking", self.reachable(request, str(object_id)).pk)

    def links(self, request: HttpRequest, obj: Ranking) -> list[tuple[str, str]]:
        links = [("Review", reverse("review-ranking", args=[obj.pk]))]
        if self._may(request, obj, MANAGER):
            links.append(("Comparison", reverse("admin:labeling_comparison_change", args=[obj.comparison_id])))
        return links

    def headline(self, obj: Ranking) -> str:
        return {
            "in force": "In force.",
            "undone": "Taken back by its trainer.",
            "mended": "Replaced by a mended version.",
        }[self.standing(obj)]

    @display(description="Standing", label={"in force": "success", "undone": "danger", "mended": "warning"})
    def standing(self, obj: Ranking) -> str:
        if obj.undone_at:
            return "undone"
        return "mended" if hasattr(obj, "superseded_by") else "in force"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ranking]:
        rows = super().get_queryset(request).select_related("trainer", "comparison__project", "superseded_by")
        mine = blind.still_open(Comparison.objects.filter(pk=OuterRef("comparison")), user_of(request)).order_by()
        return rows.annotate(not_yet=Exists(mine))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """What a reviewer may still rank is asked about first, on the review page."""
        obj = self.get_object(request, object_id) if object_id else None
        if obj is not None and getattr(obj, "not_yet", False) and self.has_view_permission(request, obj):
            return redirect("review-ranking", obj.pk)
        return super().changeform_view(request, object_id, form_url, extra_context)

    @display(description="Order")
    def order_text(self, obj: Ranking) -> str:
        return "not shown: yours to rank" if getattr(obj, "not_yet", False) else spelled(obj, reason_up_to=40)

    @display(description="Took")
    def took(self, obj: Ranking) -> str:
        return f"{obj.seconds // 60} min {obj.seconds % 60:02} s" if obj.seconds is not None else ""

    @display(description="Prompt")
    def prompt_text(self, obj: Ranking) -> SafeString:
        return messages_html(obj.comparison.prompt)

    @display(description="Order, best first")
    def order_full(self, obj: Ranking) -> SafeString:
        texts = obj.comparison.texts
        rows = (
            (place, obj.ratings.get(cid, "none"), texts.get(cid, ""))
            for place, group in enumerate(obj.groups, start=1)
            for cid in group
        )
        head, body = '<b class="dl-role">{} · grade {}</b>', '<div class="dl-text" dir="auto">{}</div>'
        return format_html_join("", f'<div class="dl-turn">{head}{body}</div>', rows)
