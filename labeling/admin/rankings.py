"""Rankings, the review queue, and the decisions taken. Read here; decided on the review page."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from unfold.decorators import display

from accounts.models import User
from common.admin import (
    MANAGER,
    REVIEWERS,
    BigTableAdmin,
    ProjectFilter,
    ScopedTabularInline,
    is_operator,
    project_ids,
    within,
)
from labeling.admin.base import Button, PageAdmin, messages_html, short
from labeling.admin.review_pages import begin_blind_vote, review_ranking
from labeling.errors import LabelingError
from labeling.models import Comparison, Project, Ranking, Review, ReviewItem, Turn
from labeling.quality import hidden, reviews


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


class ReviewInline(ScopedTabularInline):
    model = Review
    project_lookup = "ranking__comparison__project"
    view_roles = REVIEWERS
    fields = readonly_fields = ("decision", "comment", "reviewer", "created_at")
    verbose_name_plural = "Decisions"


@admin.register(Ranking)
class RankingAdmin(PageAdmin, BigTableAdmin):
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
        """Bulk acceptance; own work and versions no longer in force are refused one by one."""
        done = 0
        for ranking in queryset:
            try:
                reviews.decide(reviewer=cast(User, request.user), decision=Review.Decision.ACCEPTED, ranking=ranking)
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
            path("<uuid:object_id>/blind-vote/", wrap(self.blind_view), name="labeling_ranking_blind_vote"),
            *super().get_urls(),
        ]

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for review, oldest first, with the rules that picked it."""
        projects = within(REVIEWERS, request, Project.objects.active(), "pk")
        chosen = request.GET.get("in_project", "")
        reason = request.GET.get("reason", "")
        narrowed = projects.filter(slug=chosen) if chosen else projects
        items = reviews.queue(narrowed, cast(User, request.user))
        if reason in ReviewItem.Reason.values:
            items = items.filter(reasons__contains=[reason])
        opening = Prefetch("dialogue__turns", Turn.objects.filter(position__lt=2).order_by("position"))
        page = Paginator(items.prefetch_related(opening), 50).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Review queue",
            "page": page,
            "projects": projects.order_by("title"),
            "chosen": chosen,
            "reason": reason,
            "reasons": ReviewItem.Reason.choices,
        }
        return TemplateResponse(request, "admin/labeling/queue.html", context)

    def review_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return review_ranking(self, request, self.reachable(request, str(object_id)))

    def blind_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return begin_blind_vote(request, self.reachable(request, str(object_id)))

    def links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        links = [("Review", reverse("admin:labeling_ranking_review", args=[obj.pk]))]
        if self._may(request, obj, MANAGER):
            links.append(("Comparison", reverse("admin:labeling_comparison_change", args=[obj.comparison_id])))
        return links

    def headline(self, obj: Any) -> str:
        return {
            "in force": "In force.",
            "undone": "Taken back by its trainer.",
            "mended": "Replaced by a mended version.",
        }[self.standing(obj)]

    @display(description="Standing", label={"in force": "success", "undone": "danger", "mended": "warning"})
    def standing(self, obj: Any) -> str:
        if obj.undone_at:
            return "undone"
        return "mended" if hasattr(obj, "superseded_by") else "in force"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("trainer", "comparison__project", "superseded_by")

    @display(description="Order")
    def order_text(self, obj: Any) -> str:
        letters = {cid: chr(65 + place) for place, cid in enumerate(obj.order_shown)}
        named = [" = ".join(sorted(letters.get(cid, "?") for cid in group)) for group in obj.groups]
        return " > ".join(named) or f"not rankable: {short(obj.not_rankable, 40)}"

    @display(description="Took")
    def took(self, obj: Any) -> str:
        return f"{obj.seconds // 60} min {obj.seconds % 60:02} s" if obj.seconds is not None else ""

    @display(description="Prompt")
    def prompt_text(self, obj: Any) -> Any:
        return messages_html(obj.comparison.prompt)

    @display(description="Order, best first")
    def order_full(self, obj: Any) -> Any:
        texts = obj.comparison.texts
        rows = (
            (place, obj.ratings.get(cid, "none"), texts.get(cid, ""))
            for place, group in enumerate(obj.groups, start=1)
            for cid in group
        )
        head, body = '<b class="dl-role">{} · grade {}</b>', '<div class="dl-text" dir="auto">{}</div>'
        return format_html_join("", f'<div class="dl-turn">{head}{body}</div>', rows)


@admin.register(Review)
class ReviewAdmin(BigTableAdmin):
    """Decisions taken; nothing here changes."""

    view_roles = REVIEWERS
    list_display = ("decision", "reviewer", "comment", "grade", "created_at")
    list_select_related = ("reviewer",)
    list_filter = ("decision",)
    search_fields = ("comment", "reviewer__username")
    fields = ("decision", "comment", "grade", "reviewer", "ranking", "dialogue", "created_at")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = Review.objects.select_related("reviewer")
        if is_operator(request):
            return rows
        mine = project_ids(request, REVIEWERS)
        return rows.filter(Q(ranking__comparison__project__in=mine) | Q(dialogue__project__in=mine))

    def _may(self, request: HttpRequest, obj: Any, roles: tuple[str, ...]) -> bool:
        if obj is None or obj._state.adding:
            return super()._may(request, None, roles)
        return self.get_queryset(request).filter(pk=obj.pk).exists()
