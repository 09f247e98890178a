"""The review queue: what waits for the reviewer, oldest first, with the rules that picked it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.requests import user_of
from common.admin import REVIEWERS, ProjectScopedAdmin, within
from labeling.models import Project, Ranking, ReviewItem, Turn
from labeling.quality import reviews

ON_A_PAGE = 50


def review_queue(model_admin: ProjectScopedAdmin[Ranking], request: HttpRequest) -> HttpResponse:
    projects = within(REVIEWERS, request, Project.objects.active(), "pk")
    chosen = request.GET.get("in_project", "")
    reason = request.GET.get("reason", "")
    narrowed = projects.filter(slug=chosen) if chosen else projects
    items = reviews.queue(narrowed, user_of(request))
    if reason in ReviewItem.Reason.values:
        items = items.filter(reasons__contains=[reason])
    opening = Prefetch("dialogue__turns", Turn.objects.filter(position__lt=2).order_by("position"))
    page = Paginator(items.prefetch_related(opening), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Review queue",
        "page": page,
        "projects": projects.order_by("title"),
        "chosen": chosen,
        "reason": reason,
        "reasons": ReviewItem.Reason.choices,
    }
    return TemplateResponse(request, "admin/labeling/queue.html", context)
