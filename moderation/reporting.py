"""The form that reports a problem with a model's reply, from the page of a chat: on demand, edited, taken back."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from labeling.errors import LabelingError
from labeling.feedback import Problem, problem_of
from labeling.models import Turn, TurnFeedback
from labeling.pages.dialogue import feedback_context
from labeling.views._shared import Context, PageRequest, own_dialogue
from moderation import problems
from screening.rules import harms

NAMES = ("problem", "harm", "comment", "ideal_answer")


@require_http_methods(["GET", "POST"])
def report(request: PageRequest, pk: UUID, turn_pk: UUID) -> HttpResponse:
    """GET: the form with what was said before. POST: what it says now, or nothing any more."""
    turns = Turn.objects.filter(dialogue=own_dialogue(request, pk), completion__isnull=False)
    turn = get_object_or_404(turns.select_related("dialogue__project", "completion"), pk=turn_pk)
    if request.method == "GET":
        return _form(request, turn, _said(turn, request))
    try:
        if "take_back" in request.POST:
            problems.take_back(turn=turn, user=request.user)
        else:
            sent = {name: request.POST.get(name, "") for name in NAMES}
            problems.report(turn=turn, user=request.user, **sent)
    except LabelingError as error:
        return _form(request, turn, request.POST.dict(), errors=[str(error)])
    if not request.htmx:
        return redirect("dialogue", pk)
    context = feedback_context(turn, user=request.user, just_reported=True)
    return render(request, "labeling/_feedback.html", context)


def _said(turn: Turn, request: PageRequest) -> dict[str, str]:
    given = TurnFeedback.objects.filter(turn=turn, user=request.user).first()
    problem = problem_of(given)
    if given is None:
        return {}
    harm = problems.harm_named(turn, request.user) if problem in problems.MARKED else ""
    return {"problem": problem or "", "harm": harm, "comment": given.comment, "ideal_answer": given.ideal_answer}


def _form(request: PageRequest, turn: Turn, said: dict[str, str], *, errors: list[str] | None = None) -> HttpResponse:
    dialogue = turn.dialogue
    context: Context = {
        "dialogue": dialogue, "project": dialogue.project, "turn": turn, "said": said, "errors": errors or [],
        "problems": Problem.choices, "harms": harms(), "reported": said.get("problem") and not errors,
    }  # fmt: skip
    template = "moderation/_report.html" if request.htmx else "moderation/report.html"
    response = render(request, template, context, status=422 if errors else 200)
    response["Cache-Control"] = "no-store"
    return response
