"""The review queue of a project: what waits, many accepted at once, the last decision taken back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from accounts.languages import works_in
from labeling.errors import LabelingError
from labeling.models import Project, Review
from labeling.pages import review_queue as queue_page
from labeling.pages.forms import filtered
from labeling.pages.review_queue import Choices, Filters
from labeling.progress import to_review
from labeling.quality import decisions
from labeling.views._shared import PageRequest, go, reviewed_project

MOST_AT_ONCE = 200


@require_GET
def projects(request: PageRequest) -> HttpResponse:
    """Every project that the person reviews, with what waits; the only one at once."""
    every = list(Project.objects.active().reviewed_by(request.user).order_by("title")[:200])
    mine = [project for project in every if works_in(request.user, project.language)]
    if len(mine) == len(every) == 1:
        return redirect("review-queue", mine[0].slug)
    counts = to_review(mine, reviewer=request.user)
    rows = [(project, counts[project.pk]) for project in mine]
    return render(request, "labeling/review_projects.html", {"rows": rows, "foreign": len(every) - len(mine)})


@require_GET
def queue(request: PageRequest, slug: str) -> HttpResponse:
    project = reviewed_project(request, slug)
    choices = queue_page.choices(project)
    filters = _filters(request, choices)
    page, rows = queue_page.rows(project, request.user, filters, request.GET.get("page"))
    context = {
        "title": gettext("Review queue"),
        "project": project,
        "filters": filters,
        "page": page,
        "rows": rows,
        "choices": choices,
        "figures": queue_page.own_figures(project, request.user),
        "last": decisions.last(project=project, reviewer=request.user),
    }
    response = render(request, "labeling/review_queue.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _filters(request: PageRequest, choices: Choices) -> Filters:
    return Filters(
        reason=filtered(request, "reason", [value for value, _ in choices.reasons]),
        trainer=filtered(request, "trainer", [person.username for person in choices.trainers]),
        round=filtered(request, "round", [str(number) for number in choices.rounds]),
    )


@require_POST
def accept(request: PageRequest, slug: str) -> HttpResponse:
    """Accept what was ticked, without a look at each."""
    project = reviewed_project(request, slug)
    filters = Filters.of(request.GET.dict())
    chosen = _ids(request.POST.getlist("item"))[:MOST_AT_ONCE]
    items = list(queue_page.waiting(project, request.user, Filters()).filter(pk__in=chosen))
    done, refused = decisions.accept_many(reviewer=request.user, items=items)
    if done:
        messages.success(
            request, gettext("%(done)s accepted at once; marked so, and left out of your figures.") % {"done": done}
        )
    elif not refused:
        messages.error(request, gettext("Tick what to accept first."))
    for refusal in refused[:5]:
        messages.error(request, refusal)
    return redirect(reverse("review-queue", args=[slug]) + filters.query)


def _ids(given: list[str]) -> list[UUID]:
    found = []
    for text in given:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


@require_POST
def undo(request: PageRequest, slug: str) -> HttpResponse:
    """Take the last decision back, and go to what it was about."""
    project = reviewed_project(request, slug)
    filters = Filters.of(request.GET.dict())
    try:
        review = decisions.undo_last(project=project, reviewer=request.user)
    except LabelingError as refusal:
        messages.error(request, str(refusal))
        return go(request, "review-queue", slug, query=filters.query)
    messages.success(request, gettext("Your last decision is taken back."))
    return _to(request, review, filters, slug)


def _to(request: PageRequest, review: Review, filters: Filters, slug: str) -> HttpResponse:
    if review.bulk is not None:
        return go(request, "review-queue", slug, query=filters.query)
    if review.ranking_id:
        return go(request, "review-ranking", review.ranking_id, query=filters.query)
    return go(request, "review-dialogue", review.dialogue_id, query=filters.query)
