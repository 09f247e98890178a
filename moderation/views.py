"""One click on a text: "wrongly flagged" on a warning or a block, "this is harmful" where the filter missed it; and
the panel that says both of any text of a page, on demand."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from labeling.models import Dialogue, Membership, Project, Ranking
from labeling.pages.forms import chosen
from labeling.projects import role_of
from labeling.views._shared import Context, PageRequest, active_membership, own_assignment
from moderation import marks, texts
from moderation.models import Verdict, VerdictFeedback
from moderation.texts import Text
from screening.rules import harms


@require_POST
def mark(request: PageRequest, pk: UUID) -> HttpResponse:
    verdict = get_object_or_404(marks.markable_by(request.user), pk=pk)
    comment = request.POST.get("comment")
    made = marks.mark(
        verdict=verdict,
        user=request.user,
        harmful=chosen(request.POST, "harmful", ("0", "1")) == "1",
        category=chosen(request.POST, "category", ("", *harms())),
        comment=comment or "",
    )
    return _marked(request, verdict, made, commented=comment is not None)


@require_http_methods(["GET", "POST"])
def of_ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    """The panel of the page on which a person ranks."""
    assignment = own_assignment(request, pk)
    comparison = assignment.comparison
    return _panel(request, comparison.project, texts.of_comparison(comparison, assignment.order_shown))


@require_http_methods(["GET", "POST"])
def of_review(request: PageRequest, pk: UUID) -> HttpResponse:
    """The panel of the page on which a reviewer reads a ranking, under the same letters."""
    rows = Ranking.objects.filter(comparison__project__in=Project.objects.reviewed_by(request.user))
    ranking = get_object_or_404(rows.select_related("comparison__project"), pk=pk)
    comparison = ranking.comparison
    return _panel(request, comparison.project, texts.of_comparison(comparison, ranking.order_shown))


@require_http_methods(["GET", "POST"])
def of_dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    """The panel of the page of a dialogue that the person may read."""
    dialogue = get_object_or_404(_readable(request).select_related("project"), pk=pk)
    guest = role_of(dialogue.project, request.user) == Membership.Role.GUEST
    return _panel(request, dialogue.project, texts.of_dialogue(dialogue, guest=guest))


def _readable(request: PageRequest) -> QuerySet[Dialogue]:
    readable = Dialogue.objects.visible_to(request.user)
    if request.user.is_superuser:
        return readable
    return readable.filter(active_membership(request.user, "project"))


def _panel(request: PageRequest, project: Project, shown: Sequence[Text]) -> HttpResponse:
    """GET: what the filter says of the page's texts, and the form that says of one that it is harmful. POST: that."""
    chosen = next((one for one in shown if one.key == request.POST.get("text")), None)
    if chosen is not None:
        return _harmful(request, project.pk, chosen)
    context: Context = {
        "project": project,
        "texts": shown,
        "flagged": [one for one in shown if one.verdict],
        "categories": harms(),
        "wanted": request.GET.get("text", ""),
        "covering": bool(project.cover or request.user.opted_out_of),  # what is flagged is named, not quoted
    }
    refused = request.method == "POST"  # of a text that this page does not have
    return _answer(request, "moderation/_panel.html", "moderation/panel.html", context, status=422 if refused else 200)


def _harmful(request: PageRequest, project: UUID, text: Text) -> HttpResponse:
    verdict = marks.verdict_on(project, text)
    made = marks.mark(
        verdict=verdict,
        user=request.user,
        harmful=True,
        category=chosen(request.POST, "category", ("", *harms())),
        comment=request.POST.get("comment", ""),
    )
    return _marked(request, verdict, made, commented=True)


def _marked(request: PageRequest, verdict: Verdict, made: VerdictFeedback, *, commented: bool) -> HttpResponse:
    context: Context = {"verdict": verdict, "mark": made, "commented": commented}
    return _answer(request, "moderation/_marked.html", "moderation/marked.html", context)


def _answer(request: PageRequest, fragment: str, whole: str, context: Context, *, status: int = 200) -> HttpResponse:
    """For htmx the fragment, in the dialog where it was asked for there; else a page."""
    if request.htmx:
        context["fragment"] = fragment
        template = "moderation/_dialog.html" if request.htmx.target == "harm" else fragment
    else:
        template = whole
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "no-store"
    return response
