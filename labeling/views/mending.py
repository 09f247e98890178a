"""Work that came back from review, and practice: what a trainer learns from."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from labeling import corrections, leases, offering
from labeling.errors import LabelingError, NeedsConfirmation, NotAgreed
from labeling.models import Ranking, Review
from labeling.pages import practice as practice_page
from labeling.pages.ranking import contradiction_words, ranked_context, ranking_context
from labeling.pages.ranking_form import RankingForm
from labeling.pages.review_ranking import remarks_of
from labeling.quality import exams, reviews
from labeling.views._shared import (
    Context,
    PageRequest,
    go,
    go_to_agree,
    own_assignment,
    own_dialogue,
    page,
    trainers_project,
)


@require_http_methods(["GET", "POST"])
def returned_ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    """A returned ranking with the reviewer's comment. POST: the new version, which replaces it."""
    ranking = reviews.returned_rankings(request.user).filter(pk=pk).first()
    if ranking is None:
        return _settled(request, pk)
    if request.method == "GET":
        return _page(request, ranking, RankingForm.from_draft(corrections.as_draft(ranking)))
    form = RankingForm.from_post(request.POST, ranking.order_shown)
    try:
        corrections.mend_ranking(ranking=ranking, reading=form.reading(), **form.said(ranking.order_shown))
    except NeedsConfirmation as question:
        words = contradiction_words(question.pairs, ranking.order_shown, form.ratings)
        return _page(request, ranking, form, contradictions=words)
    except LabelingError as error:
        return _page(request, ranking, form, errors=[str(error)])
    messages.success(request, gettext("Your new version is in. Thank you for looking again."))
    return go(request, "home")


def _settled(request: PageRequest, pk: UUID) -> HttpResponse:
    """What became of a ranking that was sent back and does not wait for a new version: a notice leads here too."""
    was = Review.objects.filter(ranking=OuterRef("pk"), decision=Review.Decision.RETURNED).order_by()
    own = Ranking.objects.filter(Exists(was), trainer=request.user, assignment__isnull=False)
    assignment_id = get_object_or_404(own.only("assignment_id"), pk=pk).assignment_id
    assert assignment_id is not None
    assignment = own_assignment(request, assignment_id)
    context: Context = {**ranked_context(assignment), "settled": True}
    context["became"] = context["became"] or gettext("The reviewer took the return back, so it stands as you sent it.")
    return page(request, "labeling/ranked.html", context, status=200 if request.method == "GET" else 409)


def _page(request: PageRequest, ranking: Ranking, form: RankingForm, **words: list[str]) -> HttpResponse:
    assert ranking.assignment is not None
    ranking.assignment.comparison = ranking.comparison
    said = Review.objects.in_force().filter(ranking=ranking, decision=Review.Decision.RETURNED)
    review = said.select_related("reviewer").order_by("-created_at").first()
    context: Context = {
        **ranking_context(ranking.assignment, form, offering.opted_out(request.user)),
        "ranking": ranking,
        "review": review,
        "remarks": remarks_of(review, ranking) if review else [],
        **words,
    }
    return page(request, "labeling/mend.html", context, status=422 if words else 200)


@require_POST
def mend_dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    """Begin, or go on with, the new version of a returned dialogue."""
    dialogue = own_dialogue(request, pk)
    try:
        draft = corrections.mend_dialogue(dialogue=dialogue)
    except LabelingError as error:
        messages.error(request, str(error))
        return redirect("home")
    return redirect("dialogue", draft.pk)


@require_GET
def practice(request: PageRequest, slug: str) -> HttpResponse:
    """Practice items done, each with the order expected and why; and where the person stands in the exam."""
    project = trainers_project(request, slug)
    context = {
        "project": project,
        "rows": practice_page.rows(project, request.user),
        "offered": exams.has_practice(project),
        "standing": exams.exam_standing(project, request.user),
    }
    return render(request, "labeling/practice.html", context)


@require_POST
def practise(request: PageRequest, slug: str) -> HttpResponse:
    """Go on to the next practice item."""
    project = trainers_project(request, slug)
    try:
        assignment = leases.lease_practice(project=project, trainer=request.user)
    except NotAgreed:
        return go_to_agree(request, slug, "practice")
    except LabelingError as error:
        messages.error(request, str(error))
        return redirect("practice", slug)
    if assignment is None:
        messages.info(request, gettext("This project has no practice items yet."))
        return redirect("practice", slug)
    return redirect("ranking", assignment.pk)
