"""One click on a text: "wrongly flagged" on a warning or a block, "this is harmful" where the filter missed it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from labeling.models import Dialogue, Turn
from labeling.views._shared import PageRequest, active_membership
from moderation import marks
from moderation.models import Verdict, VerdictFeedback


@require_POST
def mark(request: PageRequest, pk: UUID) -> HttpResponse:
    verdict = get_object_or_404(marks.markable_by(request.user), pk=pk)
    comment = request.POST.get("comment")
    made = marks.mark(
        verdict=verdict,
        user=request.user,
        harmful=request.POST.get("harmful") == "1",
        category=request.POST.get("category", "")[:60],
        comment=comment or "",
    )
    return _marked(request, verdict, made, commented=comment is not None)


@require_POST
def harmful(request: PageRequest, pk: UUID) -> HttpResponse:
    """Of a turn in a dialogue that the person may read."""
    readable = Dialogue.objects.visible_to(request.user)
    if not request.user.is_superuser:
        readable = readable.filter(active_membership(request.user, "project"))
    rows = Turn.objects.filter(dialogue__in=readable).select_related("dialogue", "completion")
    turn = get_object_or_404(rows, pk=pk)
    verdict = marks.verdict_on(turn)
    made = marks.mark(
        verdict=verdict,
        user=request.user,
        harmful=True,
        category=request.POST.get("category", "")[:60],
        comment=request.POST.get("comment", ""),
    )
    return _marked(request, verdict, made, commented=True)


def _marked(request: PageRequest, verdict: Verdict, made: VerdictFeedback, *, commented: bool) -> HttpResponse:
    template = "moderation/_marked.html" if request.htmx else "moderation/marked.html"
    response = render(request, template, {"verdict": verdict, "mark": made, "commented": commented})
    response["Cache-Control"] = "no-store"
    return response
