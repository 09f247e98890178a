"""The pages on which reviewers decide: all there is to know of one ranking or dialogue, and the decision."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse

from accounts.requests import user_of
from common.admin import ProjectScopedAdmin
from common.admin.roles import Row
from common.stats.agreement import tau_b
from labeling import preferences
from labeling.admin.orders import spelled
from labeling.errors import LabelingError
from labeling.models import Assignment, Dialogue, Ranking, Review, ReviewItem
from labeling.pages.letters import letters_of
from labeling.pages.provenance import for_reviewers
from labeling.quality import blind, reviews

TURNS_ON_A_PAGE = 100


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(choices=Review.Decision.choices)
    comment = forms.CharField(required=False, max_length=4000)
    grade = forms.IntegerField(required=False, min_value=1, max_value=7)


def review_ranking(model_admin: ProjectScopedAdmin[Ranking], request: HttpRequest, ranking: Ranking) -> HttpResponse:
    if request.method == "POST":
        return _decide(request, ranking=ranking)
    comparison = ranking.comparison
    if blind.is_open(comparison, user_of(request)):
        return _page(model_admin, request, _not_yet(ranking))
    mine = Assignment.objects.filter(comparison=comparison, trainer=user_of(request)).first()
    context = {
        "work": ranking,
        "kind": "ranking",
        "author": ranking.trainer,
        "prompt": comparison.prompt,
        "rows": _placed(ranking),
        "others": _other_votes(ranking),
        "contradictions": len(preferences.contradictions(ranking.groups, ranking.ratings)),
        "earlier": ranking.supersedes,
        "may_vote": mine is None or mine.state == Assignment.State.LEASED,
        "blind_address": reverse("admin:labeling_ranking_blind_vote", args=[ranking.pk]),
        "item": ReviewItem.objects.filter(ranking=ranking).first(),
        "history": Review.objects.filter(ranking=ranking).select_related("reviewer"),
        "decidable": ranking.undone_at is None and not hasattr(ranking, "superseded_by"),
        "project": comparison.project,
        "title": f"Review of a ranking by {ranking.trainer}",
    }
    return _page(model_admin, request, context)


def _not_yet(ranking: Ranking) -> dict[str, object]:
    """Of a ranking whose comparison the reviewer may still judge: nothing but the choice."""
    return {
        "kind": "not yet",
        "blind_address": reverse("admin:labeling_ranking_blind_vote", args=[ranking.pk]),
        "item": ReviewItem.objects.filter(ranking=ranking).first(),
        "earlier": ranking.supersedes_id,
        "project": ranking.comparison.project,
        "title": "Review of a ranking",
    }


def _placed(ranking: Ranking) -> list[dict[str, object]]:
    """The completions, best first, with who wrote them and what the trainer said of each."""
    candidates = ranking.comparison.candidates.select_related("completion__model_version")
    completions = {str(candidate.completion_id): candidate.completion for candidate in candidates}
    letters = letters_of(ranking.order_shown)
    return [
        {
            "place": place,
            "letter": letters.get(cid, "?"),
            "tied": len(group) > 1,
            "text": completions[cid].text,
            "model": completions[cid].model_name,
            "grade": ranking.ratings.get(cid),
            "flags": ranking.flags.get(cid, []),
        }
        for place, group in enumerate(ranking.groups, start=1)
        for cid in group
        if cid in completions
    ]


def _other_votes(ranking: Ranking) -> list[dict[str, object]]:
    """The other rankings of the comparison in this one's letters, with their agreement with it."""
    letters = letters_of(ranking.order_shown)
    others = Ranking.objects.in_force().filter(comparison=ranking.comparison).exclude(pk=ranking.pk)
    return [
        {
            "who": other.trainer,
            "kind": other.get_kind_display(),
            "order": spelled(other, letters),
            "tau": _tau(ranking, other),
        }
        for other in others.select_related("trainer")
    ]


def review_dialogue(
    model_admin: ProjectScopedAdmin[Dialogue], request: HttpRequest, dialogue: Dialogue
) -> HttpResponse:
    if request.method == "POST":
        return _decide(request, dialogue=dialogue)
    turns = dialogue.turns.select_related("completion__model_version").order_by("position")
    page = Paginator(turns, TURNS_ON_A_PAGE).get_page(request.GET.get("page"))
    named = not blind.names_hidden(dialogue, user_of(request))
    context = {
        "work": dialogue,
        "kind": "dialogue",
        "author": dialogue.author,
        "turns": [
            {"role": t.role, "text": t.text, "by": for_reviewers(t, named=named), "seconds": t.seconds} for t in page
        ],
        "page": page,
        "item": ReviewItem.objects.filter(dialogue=dialogue).first(),
        "earlier": dialogue.supersedes,
        "history": Review.objects.filter(dialogue=dialogue).select_related("reviewer"),
        "decidable": dialogue.state in Dialogue.HANDED_IN,
        "grades": range(1, 8),
        "project": dialogue.project,
        "title": f"Review of a {dialogue.get_kind_display().lower()} by {dialogue.author}",
    }
    return _page(model_admin, request, context)


def begin_blind_vote(request: HttpRequest, ranking: Ranking) -> HttpResponse:
    """On to the trainers' page with a vote of one's own, outside the count; or none, to see what others said."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        if request.POST.get("instead") == "review":
            reviews.leave_to_others(comparison=ranking.comparison, reviewer=user_of(request))
            return redirect("admin:labeling_ranking_review", ranking.pk)
        assignment = reviews.blind_vote(comparison=ranking.comparison, reviewer=user_of(request))
    except LabelingError as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:labeling_ranking_review", ranking.pk)
    try:
        return redirect(reverse("ranking", args=[assignment.pk]))
    except NoReverseMatch:
        return redirect("home")


def _decide(request: HttpRequest, *, ranking: Ranking | None = None, dialogue: Dialogue | None = None) -> HttpResponse:
    """Take the decision and go on with the queue; what was wrong is said on the same page."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose what to do; a grade is a number from 1 to 7.")
        return redirect(request.path)
    try:
        made = reviews.decide(reviewer=user_of(request), ranking=ranking, dialogue=dialogue, **form.cleaned_data)
    except LabelingError as refusal:
        messages.error(request, str(refusal))
        return redirect(request.path)
    messages.success(request, f"{made.get_decision_display()}.")
    return redirect("admin:labeling_ranking_queue")


def _tau(one: Ranking, other: Ranking) -> float | None:
    left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
    ids = sorted(set(left) & set(right))
    return tau_b([left[cid] for cid in ids], [right[cid] for cid in ids]) if len(ids) > 1 else None


def _page(model_admin: ProjectScopedAdmin[Row], request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    shared = model_admin.admin_site.each_context(request)
    return TemplateResponse(request, "admin/labeling/review.html", {**shared, **context})
