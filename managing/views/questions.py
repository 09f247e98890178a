"""What trainers and reviewers asked: the questions that wait, those that were answered, and the answer to one."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.requests import user_of
from labeling import questions as asked
from labeling.errors import LabelingError
from labeling.models import Question
from labeling.pages import questions as questions_page
from managing.access import manages, reviewed, show
from managing.forms import SiteForm
from managing.pages.dated_names import named

SHOWN = 50  # answered ones on a page


WHERE = {
    Question.About.GUIDELINES: gettext_noop("Question and answer stand beside the guidelines; else whoever asked and "
                                            "reviewers see them."),
    Question.About.DIALOGUE: gettext_noop("Question and answer stand beside the guidelines; else whoever asked and "
                                          "reviewers see them."),
    Question.About.COMPARISON: gettext_noop(
        "Whoever gets the same task sees question and answer. They see the completions in another order: name them by "
        "their words, and say nothing that would decide for them."
    ),
}  # fmt: skip


class AnswerForm(SiteForm):
    text = forms.CharField(
        label=gettext_noop("Your answer"),
        max_length=asked.MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
    )
    for_everybody = forms.BooleanField(label=gettext_noop("For everybody"), required=False)

    def about(self, question: Question) -> None:
        """Whom the answer may be shown to, by what the question is about."""
        if question.about == Question.About.RANKING:
            del self.fields["for_everybody"]
        else:
            self.fields["for_everybody"].help_text = WHERE[Question.About(question.about)]


LEAD = gettext_noop(
    "What trainers and reviewers ask about the guidelines or a task; an answer goes to them alone or to everybody."
)


@never_cache
@require_GET
def questions(request: HttpRequest, slug: str) -> HttpResponse:
    """Those without an answer first. Reviewers read them too."""
    project = reviewed(request, slug)
    user = user_of(request)
    page = Paginator(questions_page.answered(project, user), SHOWN).get_page(request.GET.get("page"))
    return show(
        request, "questions", project, title=gettext("Questions"), manages=manages(request, project),
        lead=gettext(LEAD), waiting=questions_page.waiting(project, user)[:500], page=page,
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One question with the task that it is about; a manager answers, or changes the answer."""
    project = reviewed(request, slug)
    rows = asked.visible_to(user_of(request)).filter(project=project)
    rows = rows.select_related("asked_by", "answered_by", "guideline_version", "comparison", "dialogue", "ranking")
    found = named(rows, name, lambda row: row.name)
    if found is None:
        raise Http404
    manager = manages(request, project)
    form = AnswerForm(request.POST if request.method == "POST" and manager else None, initial=_begun(found))
    form.about(found)
    if form.is_valid() and _answered(request, found, form):
        return redirect("managing:questions", slug)
    return show(
        request, "question", project, title=gettext("A question"), question=found, form=form if manager else None,
        task=questions_page.task_of(found), status=422 if form.errors else 200,
        instead_of=found.answered_at.isoformat() if found.answered_at else "",
    )  # fmt: skip


def _begun(question: Question) -> dict[str, object]:
    """What the form holds at first: the answer there is; on guidelines it is for everybody unless unticked."""
    everybody = question.for_everybody or (not question.answered_at and question.about == Question.About.GUIDELINES)
    return {"text": question.answer, "for_everybody": everybody}


def _answered(request: HttpRequest, question: Question, form: AnswerForm) -> bool:
    said = form.cleaned_data
    try:
        asked.answer(
            question=question, by=user_of(request), text=said["text"], for_everybody=bool(said.get("for_everybody")),
            instead_of=_moment(request.POST.get("instead_of", "")),
        )  # fmt: skip
    except LabelingError as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, gettext("Your answer stands at the question."))
    return True


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
