"""The decisions that reviewers took. Nothing here changes."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from common.admin import REVIEWERS, BigTableAdmin, is_operator, project_ids
from labeling.models import Review


@admin.register(Review)
class ReviewAdmin(BigTableAdmin[Review]):
    view_roles = REVIEWERS
    list_display = ("decision", "reviewer", "comment", "grade", "many_at_once", "created_at", "undone_at")
    list_select_related = ("reviewer",)
    list_filter = ("decision",)
    search_fields = ("comment", "reviewer__username")
    fields = ("decision", "comment", "grade", "reviewer", "ranking", "dialogue", "bulk", "created_at", "undone_at")

    @display(description="Many at once", boolean=True)
    def many_at_once(self, obj: Review) -> bool:
        return obj.bulk is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        rows = Review.objects.select_related("reviewer")
        if is_operator(request):
            return rows
        mine = project_ids(request, REVIEWERS)
        return rows.filter(Q(ranking__comparison__project__in=mine) | Q(dialogue__project__in=mine))

    def _may(self, request: HttpRequest, obj: Model | None, roles: tuple[str, ...]) -> bool:
        if obj is None or obj._state.adding:
            return super()._may(request, None, roles)
        return self.get_queryset(request).filter(pk=obj.pk).exists()
