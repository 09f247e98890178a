"""Questions on a task or on the guidelines: read, asked, taken back. Managers answer on their own site."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from labeling import questions, telling
from labeling.errors import Blocked, LabelingError
from labeling.models import Dialogue
from labeling.pages import questions as questions_page
from labeling.pages.questions import Subject
from labeling.views._reviewed import reviewed_ranking
from labeling.views._shared import PageRequest, go_to, own_assignment, page, trainers_project, works_in


@require_http_methods(["GET", "POST"])
def of_task(request: PageRequest, pk: UUID) -> HttpResponse:
    return _show(request, questions_page.of_task(own_assignment(request, pk)))


@require_http_methods(["GET", "POST"])
def of_dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    """For its author and for who reviews it."""
    rows = Dialogue.objects.visible_to(request.user).filter(works_in(request.user, "project"))
    found = get_object_or_404(rows.select_related("project"), pk=pk)
    return _show(request, questions_page.of_dialogue(found, request.user))


@require_http_methods(["GET", "POST"])
def of_review(request: PageRequest, pk: UUID) -> HttpResponse:
    return _show(request, questions_page.of_review(reviewed_ranking(request, pk)))


@require_http_methods(["GET", "POST"])
def of_guidelines(request: PageRequest, slug: str) -> HttpResponse:
    return _show(request, questions_page.of_guidelines(trainers_project(request, slug)))


def _show(request: PageRequest, subject: Subject) -> HttpResponse:
    """GET: what was asked, and the form. POST: ask, and back to the same page."""
    text, errors, blocked = "", list[str](), None
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            questions.ask(
                by=request.user, text=text, project=subject.project, comparison=subject.comparison,
                dialogue=subject.dialogue, ranking=subject.ranking,
            )  # fmt: skip
        except LabelingError as error:
            errors, blocked = [str(error)], error.verdict if isinstance(error, Blocked) else None
        else:
            messages.success(request, gettext("Your question is with the managers. The answer will stand here."))
            return go_to(request, subject.address)
    context = {
        "subject": subject,
        "project": subject.project,
        "questions": questions_page.shown(subject, request.user),
        "may_ask": questions_page.may_ask(subject.project, request.user),
        "longest": questions.MOST_CHARACTERS,
        "text": text,
        "errors": errors,
        "blocked": blocked,
    }
    return page(request, "labeling/questions.html", context, status=422 if errors else 200)


@require_POST
def take_back(request: PageRequest, pk: UUID) -> HttpResponse:
    """The asker drops a question that has no answer yet, and stays where it was."""
    found = get_object_or_404(questions.visible_to(request.user).filter(asked_by=request.user), pk=pk)
    address = telling.place_of(found, request.user)
    try:
        questions.take_back(question=found, by=request.user)
    except LabelingError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Your question was taken back."))
    return go_to(request, address)
