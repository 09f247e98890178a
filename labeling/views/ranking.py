"""Ranking: the page, its submission, skip and undo. What its script sends meanwhile: `ranking_script.py`."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from labeling import assignments, corrections, leases, offering, rankings, votes
from labeling.errors import Blocked, Conflict, Gone, Invalid, LabelingError, NeedsConfirmation, NotAgreed
from labeling.models import Assignment, Project
from labeling.pages import cover, differences, questions
from labeling.pages import ranking as ranking_page
from labeling.pages.figures import ranked_today
from labeling.pages.forms import number
from labeling.pages.letters import letters_of
from labeling.pages.ranking_form import RankingForm
from labeling.views import _blind
from labeling.views._shared import (
    UNDONE,
    Context,
    PageRequest,
    go,
    go_to,
    go_to_agree,
    own_assignment,
    page,
    told,
    trainers_project,
)


@require_http_methods(["GET", "POST"])
def ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    """GET: the task, or what became of it. POST: submit, then the next task."""
    assignment = own_assignment(request, pk)
    if request.method == "POST":
        return _submit(request, assignment)
    if assignment.state not in leases.OPEN:
        return page(request, "labeling/ranked.html", {**ranking_page.ranked_context(assignment)})
    return page(request, "labeling/ranking.html", _context(request, assignment))


def _submit(request: PageRequest, assignment: Assignment) -> HttpResponse:
    form = RankingForm.from_post(request.POST, assignment.order_shown)
    back = _blind.back_from(request, assignment)
    try:
        if form.places:
            avoided = offering.opted_out(request.user)
            cover.require_revealed(assignment.comparison, assignment.order_shown, form.shown, avoided)
        submitted = rankings.submit_and_lease_next(
            assignment=assignment,
            trainer=request.user,
            seconds=number(request.POST.get("seconds")),
            expected_version=number(request.POST.get("draft_version")),
            reading=form.reading(),
            and_lease=not back,
            **form.said(assignment.order_shown),
        )
    except NeedsConfirmation as question:
        words = ranking_page.contradiction_words(question.pairs, assignment.order_shown, form.ratings)
        return again(request, assignment, form, contradictions=words)
    except Blocked as error:
        return again(request, assignment, form, blocked=[str(error.verdict)], refusals=[str(error)])
    except LabelingError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return again(
            request, assignment, form, errors=[str(error)], errors_at="none" if form.none else "", status=status
        )
    if back:
        told_of = gettext("Your own ranking is kept. Now you see what the trainer ranked, under the trainer’s letters.")
        messages.success(request, told_of)
        return go_to(request, back)
    project = assignment.comparison.project
    if submitted.not_agreed:
        return go_to_agree(request, project.slug, "ranking", after=str(assignment.pk))
    if submitted.none_left:
        return _none_left(request, project, submitted.none_left)
    return _go_on(request, project, submitted.following, done=assignment)


def again(
    request: PageRequest, assignment: Assignment, form: RankingForm, *, status: int = 422, **words: str | list[str]
) -> HttpResponse:
    """The page with what was sent still on it, and why it was not taken; `errors_at` names the part that says it."""
    assignment.refresh_from_db(fields=["state", "draft_version", "draft_saved_at", "seconds"])
    return page(request, "labeling/ranking.html", _context(request, assignment, form) | words, status=status)


def _context(
    request: PageRequest, assignment: Assignment, form: RankingForm | None = None, *, done: Assignment | None = None
) -> Context:
    context: Context = {
        **ranking_page.ranking_context(assignment, form, offering.opted_out(request.user)),
        "today": ranked_today(request.user),
    }
    context["asked"] = questions.count_at(assignment, request.user)
    if after := request.GET.get("after", ""):
        context["done"] = done_before(request, after)
    if not (done or context.get("done")):
        project = assignment.comparison.project
        context["earlier"] = corrections.to_take_back(project=project, trainer=request.user)
    context["skipped"] = bool(request.GET.get("skipped"))
    context["review"] = _blind.back_from(request, assignment)
    return context


def done_before(request: PageRequest, pk: str) -> Assignment | None:
    """The task submitted just before, as long as it can be taken back; where nothing can, as long as it stands."""
    try:
        assignment = own_assignment(request, UUID(pk))
    except (ValueError, Http404):
        return None
    stands = assignment.state == Assignment.State.SUBMITTED
    if stands and assignment.comparison.project.undo_minutes:
        stands = corrections.can_take_back(assignment)
    return assignment if stands else None


@require_POST
def next_task(request: PageRequest, slug: str) -> HttpResponse:
    """Lease the next ranking of a project and go there."""
    return _lease_next(request, trainers_project(request, slug))


def _lease_next(request: PageRequest, project: Project, *, skipped: bool = False) -> HttpResponse:
    try:
        following, _ = leases.lease_next(project=project, trainer=request.user)
    except NotAgreed:
        return go_to_agree(request, project.slug, "ranking")
    except Invalid as error:
        return _none_left(request, project, str(error))
    return _go_on(request, project, following, skipped=skipped)


def _none_left(request: PageRequest, project: Project, why: str) -> HttpResponse:
    return page(request, "labeling/nothing.html", {"project": project, "errors": [why]}, status=422)


def _go_on(
    request: PageRequest,
    project: Project,
    assignment: Assignment | None,
    *,
    done: Assignment | None = None,
    skipped: bool = False,
) -> HttpResponse:
    """To the next task, or to the page that says that there is none; by htmx without another request."""
    query = f"?after={done.pk}" if done else "?skipped=1" if skipped else ""
    if assignment is None:
        url, template, context = reverse("nothing", args=[project.slug]), "nothing", _nothing_for(request, project)
    else:
        url, template, context = reverse("ranking", args=[assignment.pk]), "ranking", Context()
    if not request.htmx:
        return redirect(url + query)
    if assignment is not None:
        context = _context(request, assignment, done=done)
    response = page(request, f"labeling/{template}.html", context | {"done": done, "skipped": skipped})
    response["HX-Push-Url"] = url
    return response


@require_GET
def nothing(request: PageRequest, slug: str) -> HttpResponse:
    """No comparison wants this trainer's vote just now."""
    done = done_before(request, request.GET.get("after", ""))
    return page(
        request,
        "labeling/nothing.html",
        _nothing_for(request, trainers_project(request, slug))
        | {"done": done, "skipped": bool(request.GET.get("skipped"))},
    )


def _nothing_for(request: PageRequest, project: Project) -> Context:
    avoided = offering.avoided(project, request.user)
    return {"project": project, "others": votes.waiting_for_others(project, request.user), "avoided": avoided}


@require_POST
def skip(request: PageRequest, pk: UUID) -> HttpResponse:
    assignment = own_assignment(request, pk)
    reason = request.POST.get("skip_other", "").strip() or request.POST.get("skip_reason", "")
    try:
        assignments.skip(assignment=assignment, reason=reason)
    except LabelingError as error:
        form = RankingForm.from_post(request.POST, assignment.order_shown)
        return again(request, assignment, form, errors=[str(error)], errors_at="skip")
    if back := _blind.back_from(request, assignment):
        return go_to(request, back)
    return _lease_next(request, assignment.comparison.project, skipped=True)


@require_POST
def undo(request: PageRequest, pk: UUID) -> HttpResponse:
    """Take a submission back: the task is there again as it was sent."""
    assignment = own_assignment(request, pk)
    try:
        corrections.undo_ranking(assignment=assignment)
    except Gone as error:
        assignment.refresh_from_db(fields=["state"])
        if assignment.state in leases.OPEN:  # another tab took it back already
            return go(request, "ranking", assignment.pk)
        if request.htmx:
            return told(str(error))
        context: Context = {**ranking_page.ranked_context(assignment), "errors": [str(error)]}
        return page(request, "labeling/ranked.html", context, status=409)
    return go(request, "ranking", assignment.pk, query=UNDONE)


@require_GET
def compare(request: PageRequest, pk: UUID) -> HttpResponse:
    """Two completions side by side with their word differences; letters name them."""
    assignment = own_assignment(request, pk)
    texts, letters = ranking_page.texts_by_letter(assignment), letters_of(assignment.order_shown)
    a, b = request.GET.get("a", "A"), request.GET.get("b", "B")
    if a not in texts or b not in texts:
        raise Http404
    context: Context = {"assignment": assignment, "project": assignment.comparison.project}
    avoided = offering.opted_out(request.user)
    covered = cover.of_completions(assignment.comparison, assignment.order_shown, avoided)
    context["covers"] = {letters[cid]: cid for cid in covered}
    try:
        context["sides"] = tuple(zip((a, b), differences.word_diff(texts[a], texts[b]), strict=True))
    except differences.TooLong as error:
        context["too_long"] = str(error)
    template = "labeling/_compare_dialog.html" if request.htmx else "labeling/compare.html"
    return render(request, template, context)


@require_GET
def keys(request: PageRequest, pk: UUID) -> HttpResponse:
    """What the keys of the page do; asked for once somebody wants to know."""
    assignment = own_assignment(request, pk)
    context: Context = {"cards": assignment.order_shown, "project": assignment.comparison.project}
    return render(request, "labeling/_ranking_keys.html", context)


@require_GET
def marks(request: PageRequest, pk: UUID) -> HttpResponse:
    """The dialog in which words of a completion are marked; asked for once somebody wants to."""
    project = own_assignment(request, pk).comparison.project
    return render(request, "labeling/_ranking_marks.html", {"project": project})
