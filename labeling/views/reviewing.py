"""The pages on which a reviewer decides: a ranking or a dialogue, then the next one; all orders side by side."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from labeling import offering
from labeling.errors import LabelingError, NeedsConfirmation
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking, ReviewItem
from labeling.pages import review_queue
from labeling.pages.forms import number
from labeling.pages.letters import letters_of
from labeling.pages.ranking import contradiction_words, ranking_context
from labeling.pages.ranking_form import RankingForm, spans_of
from labeling.pages.review_dialogue import dialogue_review
from labeling.pages.review_queue import Filters, reason_words
from labeling.pages.review_ranking import adjudication_context, ranking_review
from labeling.quality import adjudication, blind, decisions, reviews
from labeling.views import _blind
from labeling.views._reviewed import reviewed_comparison, reviewed_dialogue, reviewed_ranking
from labeling.views._shared import Context, PageRequest, go, go_to, page

Work = Ranking | Dialogue


@require_http_methods(["GET", "POST"])
def ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    found = reviewed_ranking(request, pk)
    if request.method == "POST":
        return _decide(request, found.comparison.project, found)
    return _show(request, found)


@require_http_methods(["GET", "POST"])
def dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    found = reviewed_dialogue(request, pk)
    if request.method == "POST":
        return _decide(request, found.project, found)
    return _show(request, found)


def _show(
    request: PageRequest, work: Work, *, errors: list[str] | None = None, errors_at: str = "", at: str = ""
) -> HttpResponse:
    """The page of one piece of work; `at` is its address, where it is not the one that was asked for, and `errors_at`
    the part of it that says the errors."""
    filters = Filters.of(request.GET.dict())
    context: Context
    if isinstance(work, Ranking):
        asked = not at and bool(request.GET.get("order") or request.POST)
        context = {**ranking_review(work, request.user, asked=asked)}
        template, project = "labeling/review_ranking.html", work.comparison.project
        context["questions_at"] = reverse("review-questions", args=[work.pk])
    else:
        context = {**dialogue_review(work, request.user, request.GET.get("page"))}
        template, project = "labeling/review_dialogue.html", work.project
        context["questions_at"] = reverse("dialogue-questions", args=[work.pk])
    item, last = context["item"], decisions.last(project=project, reviewer=request.user)
    assert item is None or isinstance(item, ReviewItem)
    later = review_queue.following(project, request.user, filters, after=item)
    if isinstance(work, Ranking) and errors:  # what was said of words is not lost
        context["begun"] = {
            cid: request.POST.get(f"spans-{name}", "") for cid, name in letters_of(work.order_shown).items()
        }
    context |= {
        "filters": filters,
        "reasons": reason_words(item),
        "later": review_queue.address(later, filters) if later else "",
        "waiting": review_queue.count(project, request.user, filters),
        "last": last,
        "last_of": review_queue.what_of(last),
        "errors": errors or [],
        "errors_at": errors_at,
        "comment": request.POST.get("comment", "") if errors else "",
    }
    response = page(request, template, context, status=422 if errors else 200)
    if at:
        response["HX-Push-Url"] = at
    return response


def _decide(request: PageRequest, project: Project, work: Work) -> HttpResponse:
    """Take the decision and go on with the next one at once; what was wrong is said on the same page."""
    reason, finding = request.POST.get("reason", ""), request.POST.get("finding", "")
    grade, returned = request.POST.get("grade", ""), bool(reason) or request.POST.get("decision") == "returned"
    try:
        reviews.decide(
            reviewer=request.user,
            decision="returned" if returned else "accepted" if finding else request.POST.get("decision", ""),
            ranking=work if isinstance(work, Ranking) else None,
            dialogue=work if isinstance(work, Dialogue) else None,
            comment="\n".join(words for words in (reason, *request.POST.getlist("comment")) if words),
            grade=(number(grade) or 0) if grade and isinstance(work, Dialogue) else None,
            spans=spans_of(request.POST, work.order_shown) if isinstance(work, Ranking) else None,
            finding="" if returned else finding,
        )
    except LabelingError as refusal:
        work.refresh_from_db()
        return _show(request, work, errors=[str(refusal)], errors_at="return" if returned else "")
    return _go_on(request, project, work)


def _go_on(request: PageRequest, project: Project, done: Work) -> HttpResponse:
    """To the next item that waits, by htmx without another request; to the queue where none does."""
    filters = Filters.of(request.GET.dict())
    of_it = Q(ranking=done) if isinstance(done, Ranking) else Q(dialogue=done)
    item = ReviewItem.objects.filter(of_it).first()
    following = review_queue.following(project, request.user, filters, after=item)
    if following is None:
        messages.success(request, gettext("That was the last one. Nothing else waits here."))
        return go(request, "review-queue", project.slug, query=filters.query)
    at = review_queue.address(following, filters)
    if not request.htmx:
        return redirect(at)
    work = following.ranking or following.dialogue
    assert work is not None
    return _show(request, work, at=at)


@require_POST
def begin_blind(request: PageRequest, pk: UUID) -> HttpResponse:
    """On to the trainers' page with a vote of one's own, which leads back here; or none, to see what others said."""
    found = reviewed_ranking(request, pk)
    query = Filters.of(request.GET.dict()).query
    try:
        if request.POST.get("instead") == "review":
            reviews.leave_to_others(comparison=found.comparison, reviewer=request.user)
            return go(request, "review-ranking", pk, query=query)
        assignment = reviews.blind_vote(comparison=found.comparison, reviewer=request.user)
    except LabelingError as refusal:
        return _show(request, found, errors=[str(refusal)])
    _blind.remember(request, assignment, reverse("review-ranking", args=[pk]) + query)
    return go(request, "ranking", assignment.pk)


@require_http_methods(["GET", "POST"])
def comparison(request: PageRequest, pk: UUID) -> HttpResponse:
    """All orders of a comparison side by side, and a workbench whose order becomes the gold one."""
    found = reviewed_comparison(request, pk)
    if request.method == "POST":
        return _adjudicate(request, found)
    return _all_orders(request, found)


def _all_orders(
    request: PageRequest, found: Comparison, form: RankingForm | None = None, **words: list[str]
) -> HttpResponse:
    context = adjudication_context(found, request.user, request.GET.get("from", ""))
    if context is None:
        raise Http404
    if blind.is_open(found, request.user):
        return redirect("review-ranking", context["start"].pk)
    start = context["start"]
    bench = Assignment(comparison=found, trainer=request.user, order_shown=start.order_shown)
    form = form or (RankingForm.from_draft(_order_alone(start)) if request.GET.get("from") else RankingForm())
    filters = Filters.of(request.GET.dict())
    on_bench = ranking_context(bench, form, offering.opted_out(request.user))
    shown: Context = {**on_bench, **context, "filters": filters, **words}
    return page(request, "labeling/adjudicate.html", shown, status=422 if words else 200)


def _order_alone(ranking: Ranking) -> dict[str, object]:
    """What a reviewer begins with: the order, grades, flags and marks of a trainer, without words of theirs."""
    return {
        "groups": ranking.groups,
        "ratings": ranking.ratings,
        "flags": ranking.flags,
        "criteria": ranking.criteria,
        "spans": {cid: [{**mark, "comment": ""} for mark in marks] for cid, marks in ranking.spans.items()},
        "strengths": ranking.strengths,
        "not_rankable": ranking.not_rankable,
    }


def _adjudicate(request: PageRequest, found: Comparison) -> HttpResponse:
    context = adjudication_context(found, request.user, request.GET.get("from", ""))
    if context is None:
        raise Http404
    order_shown = context["start"].order_shown
    form = RankingForm.from_post(request.POST, order_shown)
    try:
        adjudication.adjudicate(
            comparison=found,
            reviewer=request.user,
            order_shown=order_shown,
            seconds=number(request.POST.get("seconds")),
            reading=form.reading(),
            **form.said(order_shown),
        )
    except NeedsConfirmation as question:
        words = contradiction_words(question.pairs, order_shown, form.ratings)
        return _all_orders(request, found, form, contradictions=words)
    except LabelingError as error:
        return _all_orders(request, found, form, errors=[str(error)])
    messages.success(
        request, gettext("Your order is the gold one. The trainers' stay on record and leave the exports.")
    )
    filters = Filters.of(request.GET.dict())
    following = review_queue.following(found.project, request.user, filters)
    if following is None:
        return go(request, "review-queue", found.project.slug, query=filters.query)
    return go_to(request, review_queue.address(following, filters))
