"""The rules that trainers try to make a model break: in order, each published by versions or ended."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import user_of
from labeling.errors import LabelingError
from labeling.models import RED_TEAM, Dialogue, Project, RedTeamRule
from labeling.pages.forms import number
from labeling.red_team import published
from managing.access import managed, show
from managing.forms import SiteForm
from screening.rules import harms


def _categories() -> list[tuple[str, str]]:
    return [("", "—"), *((name, gettext(name)) for name in harms())]


class RuleForm(SiteForm):
    name = forms.CharField(label=gettext_noop("Name"), max_length=80)
    sentence = forms.CharField(
        label=gettext_noop("What the model must not do"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_noop("In a sentence, as the trainer reads it beside the chat."),
    )  # fmt: skip
    category = forms.ChoiceField(
        label=gettext_noop("Category of the content filter"), choices=_categories, required=False,
        help_text=gettext_noop("If the rule belongs to one."),
    )  # fmt: skip
    place = forms.IntegerField(
        label=gettext_noop("Place in the order"), min_value=1, max_value=published.MOST, required=False,
        help_text=gettext_noop("From 1. Where chats are even, the first rule is given first."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def red_team(request: HttpRequest, slug: str) -> HttpResponse:
    """The rules, and the form of a new one or of the next version of the one that `edit` names."""
    project = managed(request, slug)
    rules = list(_counted(project))
    edited = _edited(request, rules)
    initial: dict[str, object] = {}
    if edited is not None:
        initial = {name: getattr(edited, name) for name in ("name", "sentence", "category", "place")}
    form = RuleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and (made := _published(request, project, form)):
        messages.success(request, gettext("The rule %(rule)s is in force.") % {"rule": made})
        return redirect("managing:red-team", slug)
    ended = RedTeamRule.objects.filter(project=project, ended_at__isnull=False).order_by("-ended_at")
    lead = gettext(
        "Trainers try to make the model break one of these rules, and say whether it did; a reviewer checks. Each new "
        "chat is about the rule with the fewest."
    )
    return show(
        request, "red_team", project, title=gettext("Red team"), lead=lead, form=form, edited=edited, rules=rules,
        ended=ended[:50], offered=RED_TEAM in project.task_types, status=422 if form.errors else 200,
    )  # fmt: skip


def _counted(project: Project) -> list[RedTeamRule]:
    done = Q(dialogues__state__in=Dialogue.HANDED_IN)
    rules = RedTeamRule.objects.in_force().filter(project=project)
    return list(rules.annotate(chats=Count("dialogues", filter=done)))


def _edited(request: HttpRequest, rules: list[RedTeamRule]) -> RedTeamRule | None:
    query: Mapping[str, str] = request.GET
    if "edit" not in query:
        return None
    found = next((one for one in rules if str(one.number) == query["edit"]), None)
    if found is None and request.method != "POST":  # what was typed is not lost: the form says that the rule has ended
        raise Http404("This rule is not in force.")
    return found


def _published(request: HttpRequest, project: Project, form: RuleForm) -> RedTeamRule | None:
    said = request.POST.get("number") or request.GET.get("edit")
    try:
        whose = None if said is None else number(said) or 0  # what is not a number names no rule
        return published.publish_rule(project=project, number=whose, by=user_of(request), **form.cleaned_data)
    except LabelingError as refusal:
        field = getattr(refusal, "field", "")
        form.add_error(field if field in form.fields else None, str(refusal))
        return None


@require_POST
def end(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = managed(request, slug)
    try:
        published.end_rule(project=project, number=number, by=user_of(request))
    except LabelingError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("Nobody is given this rule any more. Chats that are open can be finished."))
    return redirect("managing:red-team", slug)
