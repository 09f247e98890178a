"""Ranking: the page, its draft, submission, skip, undo, and the comparison of two completions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from labeling import comparisons, leases
from labeling.errors import Conflict, Gone, Invalid, LabelingError, NeedsConfirmation
from labeling.models import Assignment, Membership, Project
from labeling.pages import differences
from labeling.pages import ranking as ranking_page
from labeling.pages.forms import RankingForm, number
from labeling.views._shared import (
    PageRequest,
    go,
    own_assignment,
    page,
    ranked_today,
    told,
    undo_until,
    visible_project,
    wants_json,
)

OPEN = (Assignment.State.LEASED, Assignment.State.EXPIRED)


@require_http_methods(["GET", "POST"])
def ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    """GET: the task, or what became of it. POST: submit, then the next task."""
    assignment = own_assignment(request, pk)
    if request.method == "GET":
        if assignment.state not in OPEN:
            return page(request, "labeling/ranked.html", _ended(assignment))
        return page(request, "labeling/ranking.html", _context(request, assignment))
    form = RankingForm.from_post(request.POST, assignment.order_shown)
    project = assignment.comparison.project
    try:
        with transaction.atomic():  # submission and next lease are one commit, in the order that locks are taken
            membership = leases.hold(project=project, trainer=request.user)
            _submit(request, assignment, form, membership)
            given = _lease(request, project, membership)
    except NeedsConfirmation as question:
        words = ranking_page.contradiction_words(question.pairs, assignment, form.ratings)
        return _again(request, assignment, form, contradictions=words)
    except LabelingError as error:
        return _again(
            request, assignment, form, errors=[str(error)], status=409 if isinstance(error, Conflict) else 422
        )
    return _show(request, project, given, done=assignment)


def _submit(request: PageRequest, assignment: Assignment, form: RankingForm, membership: Membership | None) -> None:
    sent = number(request.POST.get("draft_version"))
    if sent is not None and sent != assignment.draft_version and assignment.state in OPEN:
        raise Conflict(
            "This task was changed in another tab since. What you see is what you sent: submit again to keep it."
        )
    none = bool(request.POST.get("none")) or bool(form.reason() and not form.places)
    if problem := form.problem(assignment.order_shown, none=none):
        raise Invalid(problem)
    comparisons.submit_ranking(
        assignment=assignment,
        groups=[] if none else form.groups(),
        ratings=form.ratings,
        flags=form.flags,
        strengths=[] if none else form.asked_strengths(),
        note=form.note,
        not_rankable=form.reason() if none else "",
        ideal_answer=form.ideal_answer,
        seconds=number(request.POST.get("seconds")),
        confirmed=bool(request.POST.get("confirmed")),
        membership=membership,
    )


def _again(
    request: PageRequest, assignment: Assignment, form: RankingForm, *, status: int = 422, **words: Any
) -> HttpResponse:
    assignment.refresh_from_db(fields=["state", "draft_version", "draft_saved_at", "seconds"])
    return page(request, "labeling/ranking.html", _context(request, assignment, form) | words, status=status)


def _context(request: PageRequest, assignment: Assignment, form: RankingForm | None = None) -> dict[str, Any]:
    context = ranking_page.ranking_context(assignment, form) | {"today": ranked_today(request.user)}
    if after := request.GET.get("after", ""):
        context["done"] = _done(request, after)
    return context


def _done(request: PageRequest, pk: str) -> Assignment | None:
    """The task submitted just before, as long as it can be taken back."""
    try:
        assignment = own_assignment(request, UUID(pk))
    except (ValueError, Http404):
        return None
    return assignment if assignment.state == Assignment.State.SUBMITTED else None


def _ended(assignment: Assignment) -> dict[str, Any]:
    standing = assignment.rankings.in_force().first() if assignment.state == Assignment.State.SUBMITTED else None
    letters = dict(zip(assignment.order_shown, ranking_page.LETTERS, strict=False))
    return {
        "assignment": assignment,
        "project": assignment.comparison.project,
        "comparison": assignment.comparison,
        "ranking": standing,
        "places": [", ".join(letters[cid] for cid in group) for group in standing.groups] if standing else [],
        "texts": list(zip(ranking_page.LETTERS, ranking_page.texts_shown(assignment), strict=False)),
        "can_undo": standing and undo_until(standing.submitted_at, assignment.comparison.project) > timezone.now(),
    }


@require_POST
def next_task(request: PageRequest, slug: str) -> HttpResponse:
    """Lease the next ranking of a project and go there."""
    project = visible_project(request, slug)
    return _show(request, project, _lease(request, project))


def _lease(request: PageRequest, project: Project, membership: Membership | None = None) -> Assignment | Invalid | None:
    """The next task, or why there is none: which must not take back what was submitted before it."""
    try:
        return leases.lease_next(project=project, trainer=request.user, membership=membership)[0]
    except Invalid as error:
        return error


def _show(
    request: PageRequest, project: Project, assignment: Assignment | Invalid | None, done: Assignment | None = None
) -> HttpResponse:
    if isinstance(assignment, Invalid):
        return page(request, "labeling/nothing.html", {"project": project, "errors": [str(assignment)]}, status=422)
    query = f"?after={done.pk}" if done else ""
    if assignment is None:
        url = reverse("nothing", args=[project.slug]) + query
    else:
        url = reverse("ranking", args=[assignment.pk]) + query
    if not request.htmx:
        return redirect(url)
    context: dict[str, Any] = {"project": project}
    if assignment is not None:
        context = _context(request, assignment)
    response = page(request, f"labeling/{'ranking' if assignment else 'nothing'}.html", context | {"done": done})
    response["HX-Push-Url"] = url.partition("?")[0]
    return response


@require_GET
def nothing(request: PageRequest, slug: str) -> HttpResponse:
    """No comparison wants this trainer's vote just now."""
    done = _done(request, request.GET.get("after", ""))
    return page(request, "labeling/nothing.html", {"project": visible_project(request, slug), "done": done})


@require_POST
def draft(request: PageRequest, pk: UUID) -> HttpResponse:
    """Keep unfinished work; 409 where another tab saved since."""
    assignment = own_assignment(request, pk)
    if request.POST.get("peek"):
        return JsonResponse({"version": assignment.draft_version})
    form = RankingForm.from_post(request.POST, assignment.order_shown)
    version = number(request.POST.get("draft_version"))
    try:
        kept = comparisons.save_draft(assignment=assignment, draft=form.draft(), expected_version=version)
    except LabelingError as error:
        status = 409 if isinstance(error, Conflict) else 410 if isinstance(error, Gone) else 422
        if not wants_json(request):
            return _again(request, assignment, form, errors=[str(error)], status=status)
        return JsonResponse({"error": str(error), "version": getattr(error, "version", None)}, status=status)
    if wants_json(request):
        return JsonResponse({"version": kept, "at": f"{timezone.localtime():%H:%M:%S}"})
    return redirect("home")


@require_POST
def heartbeat(request: PageRequest, pk: UUID) -> HttpResponse:
    assignment = own_assignment(request, pk)
    try:
        kept = leases.heartbeat(assignment=assignment, seconds=number(request.POST.get("seconds")) or 0)
    except Gone as error:
        return JsonResponse({"error": str(error)}, status=410)
    return JsonResponse({"expires_at": kept.expires_at.isoformat()})


@require_POST
def skip(request: PageRequest, pk: UUID) -> HttpResponse:
    assignment = own_assignment(request, pk)
    reason = request.POST.get("skip_other", "").strip() or request.POST.get("skip_reason", "")
    try:
        comparisons.skip(assignment=assignment, reason=reason)
    except LabelingError as error:
        form = RankingForm.from_post(request.POST, assignment.order_shown)
        return _again(request, assignment, form, errors=[str(error)])
    return _show(request, assignment.comparison.project, _lease(request, assignment.comparison.project))


@require_POST
def undo(request: PageRequest, pk: UUID) -> HttpResponse:
    """Take a submission back: the task is there again as it was sent."""
    assignment = own_assignment(request, pk)
    try:
        comparisons.undo_ranking(assignment=assignment)
    except Gone as error:
        assignment.refresh_from_db(fields=["state"])
        if assignment.state in OPEN:  # another tab took it back already
            return go(request, "ranking", assignment.pk)
        if request.htmx:
            return told(str(error))
        return page(request, "labeling/ranked.html", _ended(assignment) | {"errors": [str(error)]}, status=409)
    return go(request, "ranking", assignment.pk)


@require_GET
def compare(request: PageRequest, pk: UUID) -> HttpResponse:
    """Two completions side by side with their word differences; letters name them."""
    assignment = own_assignment(request, pk)
    texts = dict(zip(ranking_page.LETTERS, ranking_page.texts_shown(assignment), strict=False))
    a, b = request.GET.get("a", "A"), request.GET.get("b", "B")
    if a not in texts or b not in texts:
        raise Http404
    left, right = differences.word_diff(texts[a], texts[b])
    context = {"assignment": assignment, "project": assignment.comparison.project, "sides": [(a, left), (b, right)]}
    template = "labeling/_compare.html" if request.htmx else "labeling/compare.html"
    return render(request, template, context)
