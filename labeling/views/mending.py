"""Work that came back from review, and practice: what a trainer learns from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from labeling import leases
from labeling.errors import Invalid, LabelingError, NeedsConfirmation
from labeling.models import Ranking
from labeling.pages import ranking as ranking_page
from labeling.pages.forms import RankingForm
from labeling.quality import exams, reviews
from labeling.views._shared import PageRequest, go, own_dialogue, page, visible_project


@require_http_methods(["GET", "POST"])
def returned_ranking(request: PageRequest, pk: UUID) -> HttpResponse:
    """A returned ranking with the reviewer's comment. POST: the new version, which replaces it."""
    ranking = get_object_or_404(reviews.returned_rankings(request.user), pk=pk)
    if request.method == "GET":
        return _page(request, ranking, RankingForm.from_draft(_as_sent(ranking)))
    form = RankingForm.from_post(request.POST, ranking.order_shown)
    try:
        _mend(request, ranking, form)
    except NeedsConfirmation as question:
        assert ranking.assignment is not None
        words = ranking_page.contradiction_words(question.pairs, ranking.assignment, form.ratings)
        return _page(request, ranking, form, contradictions=words)
    except LabelingError as error:
        return _page(request, ranking, form, errors=[str(error)])
    messages.success(request, "Your new version is in. Thank you for looking again.")
    return go(request, "home")


def _mend(request: PageRequest, ranking: Ranking, form: RankingForm) -> None:
    none = bool(request.POST.get("none")) or bool(form.reason() and not form.places)
    if problem := form.problem(ranking.order_shown, none=none):
        raise Invalid(problem)
    reviews.mend_ranking(
        ranking=ranking, groups=[] if none else form.groups(), ratings=form.ratings, flags=form.flags,
        strengths=[] if none else form.asked_strengths(), note=form.note,
        not_rankable=form.reason() if none else "", confirmed=bool(request.POST.get("confirmed")),
    )  # fmt: skip


def _as_sent(ranking: Ranking) -> dict[str, Any]:
    return {
        "groups": ranking.groups, "ratings": ranking.ratings, "flags": ranking.flags, "note": ranking.note,
        "strengths": ranking.strengths, "not_rankable": ranking.not_rankable,
    }  # fmt: skip


def _page(request: PageRequest, ranking: Ranking, form: RankingForm, **words: Any) -> HttpResponse:
    assert ranking.assignment is not None
    ranking.assignment.comparison = ranking.comparison
    context = ranking_page.ranking_context(ranking.assignment, form)
    returned = ranking.reviews.filter(decision="returned").select_related("reviewer")
    context |= {"ranking": ranking, "review": returned.order_by("-created_at").first(), **words}
    return page(request, "labeling/mend.html", context, status=422 if words else 200)


@require_POST
def mend_dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    """Begin, or go on with, the new version of a returned dialogue."""
    dialogue = own_dialogue(request, pk)
    try:
        draft = reviews.mend_dialogue(dialogue=dialogue)
    except LabelingError as error:
        messages.error(request, str(error))
        return redirect("home")
    return redirect("dialogue", draft.pk)


@require_GET
def practice(request: PageRequest, slug: str) -> HttpResponse:
    """Practice items done, each with the order expected and why; and where the person stands in the exam."""
    project = visible_project(request, slug)
    done = enumerate(exams.practised(project, request.user)[:50], start=1)
    rows = [_practised(ranking) | {"number": str(number)} for number, ranking in done]
    standing = exams.exam_standing(project, request.user)
    return render(request, "labeling/practice.html", {"project": project, "rows": rows, "standing": standing})


def _practised(ranking: Ranking) -> dict[str, Any]:
    known = ranking.comparison.known_groups or []
    letters = dict(zip(ranking.order_shown, ranking_page.LETTERS, strict=False))
    texts = ranking.comparison.texts
    right, asked = exams.known_points(ranking.groups, known)
    return {
        "prompt": ranking.comparison.prompt, "explanation": ranking.comparison.explanation, "right": right,
        "asked": asked, "own": _spelled(ranking.groups, letters), "known": _spelled(known, letters),
        "texts": [(letters[cid], texts[cid]) for cid in ranking.order_shown],
    }  # fmt: skip


def _spelled(groups: list[list[str]], letters: dict[str, str]) -> str:
    return ", then ".join(" = ".join(sorted(letters[cid] for cid in group)) for group in groups)


@require_POST
def practise(request: PageRequest, slug: str) -> HttpResponse:
    """Go on to the next practice item."""
    project = visible_project(request, slug)
    try:
        assignment = leases.lease_practice(project=project, trainer=request.user)
    except LabelingError as error:
        messages.error(request, str(error))
        return redirect("practice", slug)
    if assignment is None:
        messages.info(request, "This project has no practice items yet.")
        return redirect("practice", slug)
    return redirect("ranking", assignment.pk)
