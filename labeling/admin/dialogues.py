"""Dialogues, their turns with provenance, draws, and feedback on model turns. Read here, reviewed on a page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.requests import user_of
from common.admin import REVIEWERS, BigTableAdmin, ProjectFilter, ScopedTabularInline
from labeling.admin.base import Button, PageAdmin, short, text_html
from labeling.models import Dialogue, Turn, TurnDraw, TurnFeedback
from labeling.pages.provenance import for_reviewers
from labeling.quality import blind
from labeling.quality.reviews import ask_review

MODEL = "model_version"
Row = str | list[str] | tuple[str, ...] | tuple[()]


class TurnInline(ScopedTabularInline[Turn]):
    model = Turn
    project_lookup = "dialogue__project"
    view_roles = REVIEWERS
    fields = readonly_fields = ("position", "role", "said", "written", "seconds")
    ordering = ("position",)
    per_page = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[Turn]:
        mine = Dialogue.objects.filter(blind.hides_names(user_of(request)), pk=OuterRef("dialogue")).order_by()
        rows = super().get_queryset(request).select_related("completion__model_version")
        return rows.annotate(not_yet=Exists(mine))

    @display(description="Text")
    def said(self, obj: Turn) -> SafeString:
        return text_html(obj.text)

    @display(description="Written by")
    def written(self, obj: Turn) -> str:
        return for_reviewers(obj, named=not getattr(obj, "not_yet", False))


def _ask(request: HttpRequest, dialogue: Dialogue, _text: str) -> str:
    ask_review(dialogue=dialogue)
    return "It waits in the review queue."


@admin.register(Dialogue)
class DialogueAdmin(PageAdmin[Dialogue], BigTableAdmin[Dialogue]):
    view_roles = change_roles = REVIEWERS
    list_display = ("__str__", "project", "author", "state_label", "round", "first_words", "submitted_at")
    list_select_related = ("project", "author", "round")
    list_filter = (ProjectFilter, "kind", "state")
    search_fields = ("author__username", "source", "prompt_key")
    fields = (
        ("project", "round"),
        ("kind", "state"),
        ("author", "guideline_version"),
        MODEL,
        "source",
        ("submitted_at", "split"),
        "seconds",
    )
    inlines = (TurnInline,)
    buttons = {"ask": Button("Put into the review queue", _ask, when=lambda d: d.state == Dialogue.State.SUBMITTED)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dialogue]:
        opening = Prefetch("turns", Turn.objects.filter(position__lt=2).order_by("position"), to_attr="opening")
        return super().get_queryset(request).prefetch_related(opening)

    def get_fields(self, request: HttpRequest, obj: Dialogue | None = None) -> list[Row]:
        hidden = obj is not None and blind.names_hidden(obj, user_of(request))
        return [name for name in self.fields if not hidden or name != MODEL]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.review_view)
        return [path("<uuid:object_id>/review/", view, name="labeling_dialogue_review"), *super().get_urls()]

    def review_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return redirect("review-dialogue", self.reachable(request, str(object_id)).pk)

    def links(self, request: HttpRequest, obj: Dialogue) -> list[tuple[str, str]]:
        return [("Review", reverse("review-dialogue", args=[obj.pk]))]

    @display(
        description="State",
        label={"Submitted": "info", "Accepted": "success", "Returned": "warning", "Discarded": "danger"},
    )
    def state_label(self, obj: Dialogue) -> str:
        return str(obj.get_state_display())

    @display(description="First words")
    def first_words(self, obj: Dialogue) -> str:
        return short(next((t.text for t in getattr(obj, "opening", ()) if t.role == Turn.Role.USER), ""), 60)


@admin.register(TurnDraw)
class TurnDrawAdmin(BigTableAdmin[TurnDraw]):
    project_lookup = "dialogue__project"
    list_display = ("__str__", "dialogue", "policy", "seed", "created_at")
    list_select_related = ("dialogue",)
    list_filter = (ProjectFilter, "policy")


class ThumbFilter(admin.SimpleListFilter):
    title = "thumb"
    parameter_name = "thumb"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("up", "Up"), ("down", "Down")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TurnFeedback]) -> QuerySet[TurnFeedback]:
        return queryset.filter(thumb_up=self.value() == "up") if self.value() else queryset


@admin.register(TurnFeedback)
class TurnFeedbackAdmin(BigTableAdmin[TurnFeedback]):
    project_lookup = "turn__dialogue__project"
    view_roles = REVIEWERS
    list_display = ("thumb", "answer", "reason_list", "said", "user", "kind", "updated_at")
    list_select_related = ("turn", "user")
    list_filter = (ProjectFilter, ThumbFilter)
    search_fields = ("comment", "user__username")
    fields = (
        "thumb",
        "answer_text",
        "reason_list",
        "comment",
        "ideal_answer",
        "user",
        "kind",
        "created_at",
        "updated_at",
    )
    readonly_fields = ("thumb", "answer_text", "reason_list")

    @display(description="Thumb", label={"up": "success", "down": "danger"})
    def thumb(self, obj: TurnFeedback) -> str:
        return str(obj)

    @display(description="Answer")
    def answer(self, obj: TurnFeedback) -> str:
        return short(obj.turn.text, 80)

    @display(description="Answer")
    def answer_text(self, obj: TurnFeedback) -> SafeString:
        return text_html(obj.turn.text)

    @display(description="Comment")
    def said(self, obj: TurnFeedback) -> str:
        return short(obj.comment, 60)

    @display(description="Reasons")
    def reason_list(self, obj: TurnFeedback) -> str:
        return ", ".join(obj.reasons)
