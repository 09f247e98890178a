"""Model versions that judge a project's comparisons: who judges, how far each agrees with people, and a new one."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import user_of
from insights import rounds
from insights.round_types import JudgeRow
from labeling.ai_judges import judges, prompts
from labeling.errors import LabelingError
from labeling.models import AiJudge, Project
from managing.access import managed, show
from managing.forms import SiteForm
from managing.views.new_project import policies


class JudgeForm(SiteForm):
    model_version = forms.ModelChoiceField(
        policies(), label=gettext_noop("Model"), to_field_name="slug", empty_label=None,
        help_text=gettext_noop("Conversations and answers are sent to the server that runs it."),
    )  # fmt: skip
    percent = forms.FloatField(
        label=gettext_noop("Share of the comparisons, in percent"), min_value=0.1, max_value=100,
        help_text=gettext_noop(
            "Drawn at random, those that are there already among them. K answers take K × (K − 1) requests: "
            "every two of them in both orders."
        ),
    )  # fmt: skip
    prompt = forms.CharField(
        label=gettext_noop("What it reads"), widget=forms.Textarea(attrs={"rows": 16}), max_length=prompts.LONGEST,
        help_text=gettext_noop(
            "With {conversation}, {first} and {second} where those belong. The lines that say how to end are added: "
            "an answer whose last line is not a verdict counts as unreadable."
        ),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def ai_judges(request: HttpRequest, slug: str) -> HttpResponse:
    """The judges with their figures, and the form of a new one."""
    project = managed(request, slug)
    form = JudgeForm(request.POST or None, initial={"percent": 10, "prompt": prompts.DEFAULT})
    if request.method == "POST" and form.is_valid() and (made := _appointed(request, project, form)):
        messages.success(request, gettext("%(model)s judges from now on.") % {"model": made.model_version.slug})
        return redirect("managing:ai-judges", slug)
    lead = gettext(
        "A model with a prompt says which of two answers is better. What it says is exported apart, is a vote only in "
        "exports that say so, and is held against people's rankings here."
    )
    return show(
        request, "ai_judges", project, title=gettext("AI judges"), lead=lead, form=form, judges=_lines(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _appointed(request: HttpRequest, project: Project, form: JudgeForm) -> AiJudge | None:
    said = form.cleaned_data
    try:
        return judges.appoint(
            project=project, model_version=said["model_version"], share=said["percent"] / 100, prompt=said["prompt"],
            by=user_of(request),
        )  # fmt: skip
    except LabelingError as refusal:
        field = getattr(refusal, "field", "")
        form.add_error(field if field in form.fields else None, str(refusal))
        return None


def _lines(project: Project) -> list[tuple[AiJudge, JudgeRow | None]]:
    """Each judge, how much it has judged, and its figures of the last report by round."""
    rows = AiJudge.objects.filter(project=project).select_related("model_version")
    done = Count("judgements", filter=Q(judgements__judged_at__isnull=False))
    in_order = rows.annotate(asked=Count("judgements"), done=done).order_by(
        F("ended_at").desc(nulls_first=True), "-number"
    )
    found = list(in_order[:50])
    report = rounds.last_of(project) if found else None
    figures: Mapping[int, JudgeRow] = {row["judge"]: row for row in report["judges"]} if report else {}
    return [(one, figures.get(one.number)) for one in found]


@require_POST
def dismiss(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = managed(request, slug)
    judge = get_object_or_404(AiJudge, project=project, number=number)
    try:
        judges.dismiss(judge=judge, by=user_of(request))
    except LabelingError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, gettext("Judge %(number)s is asked no more. What it said stays.") % {"number": number}
        )
    return redirect("managing:ai-judges", slug)
