"""The reviewers' queue of marks and the decision on each."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from labeling.errors import LabelingError
from labeling.models import Project
from labeling.pages.forms import chosen, filtered
from labeling.views._shared import Context, PageRequest, reviewed_project
from moderation import marks
from moderation import queue as waiting
from moderation.models import VerdictFeedback


@require_GET
def queue(request: PageRequest, slug: str) -> HttpResponse:
    project = reviewed_project(request, slug)
    kind = filtered(request, "kind", waiting.KINDS)
    page, items = waiting.page(project, request.user, kind, request.GET.get("page"))
    kinds = [("", gettext("All")), (waiting.WRONG, gettext("Wrongly flagged")), (waiting.MISSED, gettext("Harmful"))]
    context: Context = {
        "title": gettext("Marks on the content filter"),
        "project": project,
        "kind": kind,
        "kinds": kinds,
        "page": page,
        "items": items,
        "lately": waiting.lately(project, request.user),
    }
    response = render(request, "moderation/queue.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def decide(request: PageRequest, pk: UUID) -> HttpResponse:
    """Then back to the queue, where the next one stands first."""
    rows = VerdictFeedback.objects.filter(verdict__project__in=Project.objects.reviewed_by(request.user))
    mark = get_object_or_404(rows.select_related("verdict__project"), pk=pk)
    harmful, confirmed = (chosen(request.POST, name, ("0", "1")) == "1" for name in ("harmful", "confirmed"))
    try:
        marks.decide(mark=mark, reviewer=request.user, harmful=harmful, confirmed=confirmed)
    except LabelingError as refusal:
        messages.error(request, str(refusal))
    kind = _kind(request)
    back = reverse("review-queue-content", args=[mark.verdict.project.slug])
    return redirect(f"{back}?kind={kind}" if kind else back)


def _kind(request: PageRequest) -> str:
    kind = request.GET.get("kind", "")
    return kind if kind in waiting.KINDS else ""
