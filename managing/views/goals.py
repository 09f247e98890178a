"""A round's own page: its goals, how far each trainer is, and the form that sets them."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.requests import user_of
from labeling import goals
from labeling.goals import MOST, Numbers
from labeling.models import Round
from managing.access import managed, show
from managing.forms import SiteForm


def _number(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, required=False, min_value=0, max_value=MOST)


class GoalForm(SiteForm):
    """What a round is to bring. Empty or 0: no goal."""

    goal_rankings = _number(
        gettext_noop("Rankings of the round"), gettext_noop("How many the round is to bring. Empty: no goal.")
    )
    goal_demonstrations = _number(
        gettext_noop("Demonstrations of the round"), gettext_noop("How many the round is to bring. Empty: no goal.")
    )
    share_rankings = _number(
        gettext_noop("Rankings of each trainer"),
        gettext_noop("Each trainer sees this number beside what they did. Empty: nobody is told a number."),
    )
    share_demonstrations = _number(
        gettext_noop("Demonstrations of each trainer"),
        gettext_noop("Each trainer sees this number beside what they did. Empty: nobody is told a number."),
    )

    def __init__(self, data: Mapping[str, str] | None, round_: Round | None = None) -> None:
        initial: dict[str, object] = {}
        if round_ is not None:
            initial = {name: getattr(round_, name) or None for name in type(self).base_fields}
        super().__init__(data, initial=initial)

    def numbers(self) -> Numbers:
        said = self.cleaned_data
        return {
            "goal_rankings": said["goal_rankings"] or 0, "goal_demonstrations": said["goal_demonstrations"] or 0,
            "share_rankings": said["share_rankings"] or 0,
            "share_demonstrations": said["share_demonstrations"] or 0,
        }  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = managed(request, slug)
    round_ = get_object_or_404(Round, project=project, number=number)
    form = GoalForm(request.POST or None, round_)
    if request.method == "POST" and form.is_valid():
        goals.set_goals(round=round_, **form.numbers())
        record(actor=user_of(request), action="round.goals", obj=round_)
        messages.success(request, gettext("The goals are set."))
        return redirect("managing:rounds-one", slug, number)
    return show(
        request, "round_one", project, title=gettext("Round %(number)s") % {"number": number}, lead=round_.note,
        form=form, round=round_, goals=goals.goals_of(round_), status=422 if form.errors else 200,
    )  # fmt: skip
