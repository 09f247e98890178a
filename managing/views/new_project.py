"""A new project from a preset: five fields, and a fold for the rest."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from accounts.requests import user_of
from common.admin import is_operator
from common.shapes import JsonObject
from labeling.admin.form_fields import Criteria, Lines, seen_title
from labeling.admin.project_help import HELP
from labeling.errors import LabelingError
from labeling.models import Membership
from managing import inviting
from managing.access import only_managers, show
from managing.forms import People, Prompts, SiteForm
from managing.presets import PRESETS
from managing.set_up import set_up
from sampler.models import ModelVersion

AS_PRESET = [("", gettext_noop("as chosen above")), ("yes", gettext_noop("yes")), ("no", gettext_noop("no"))]


def policies() -> QuerySet[ModelVersion]:
    """Model versions that can answer."""
    rows = ModelVersion.objects.filter(role=ModelVersion.Role.POLICY)
    return rows.exclude(state=ModelVersion.State.RETIRED).order_by("slug")


def _number(label: str, name: str, low: int, high: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=low, max_value=high, help_text=HELP[name])


def _choice(label: str, name: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=AS_PRESET, help_text=HELP[name])


def _few_lines() -> forms.Textarea:
    return forms.Textarea(attrs={"rows": 3})


class NewProjectForm(SiteForm):
    title = forms.CharField(label=gettext_noop("Title"), max_length=200, help_text=gettext_noop("What trainers see."))
    preset = forms.ChoiceField(
        label=gettext_noop("What people will do"),
        choices=[(n, p.title) for n, p in PRESETS.items()],
        initial="instructgpt",
        widget=forms.RadioSelect,
    )
    models = forms.ModelMultipleChoiceField(
        label=gettext_noop("Which models answer"),
        queryset=policies(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_noop(
            "Several are drawn in equal parts. None: choose later; until then nothing can be ranked."
        ),
    )
    people = People(
        label=gettext_noop("Trainers"),
        help_text=gettext_noop(
            "E-mail addresses, or user names of people of your projects, one a line. "
            "Addresses get a link to join, which you see on the next page."
        ),
    )
    prompts = Prompts(
        label=gettext_noop("Prompts"),
        help_text=gettext_noop(
            "What the user says first, one a line; prompts of several lines are separated by a line that holds "
            "only three hyphens. Answers to them are sampled at once; where nothing is ranked, half of the "
            "demonstrations answer them."
        ),
    )
    own_prompts = forms.BooleanField(
        label=gettext_noop("I wrote these prompts myself"),
        required=False,
        help_text=gettext_noop("Then their answers are ranked by others."),
    )
    guidelines = forms.CharField(
        label=gettext_noop("Guidelines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_noop(
            "Markdown: what a good answer is, in your words. They can be written later, with a preview."
        ),
    )
    slug = forms.SlugField(
        label=gettext_noop("Short name"), required=False, max_length=60,
        help_text=gettext_noop("Its name in addresses and commands, which stays. Empty: made from the title."),
    )  # fmt: skip
    description = forms.CharField(label=gettext_noop("Description"), required=False, help_text=HELP["description"])
    completions_per_comparison = _number(
        gettext_noop("Answers to put in order (K)"), "completions_per_comparison", 2, 9
    )
    ask_ratings = _choice(gettext_noop("Grades"), "ask_ratings")
    ask_strength = _choice(gettext_noop("How much better"), "ask_strength")
    criteria = Criteria(
        label=gettext_noop("Grades on criteria"), required=False, widget=_few_lines(), help_text=HELP["criteria"]
    )
    span_categories = Lines(
        label=gettext_noop("Marks on words"), required=False, widget=_few_lines(), help_text=HELP["span_categories"]
    )
    prompted_share = forms.FloatField(
        label=gettext_noop("Share of given prompts"),
        required=False,
        min_value=0,
        max_value=1,
        help_text=HELP["prompted_share"],
    )
    votes_per_comparison = _number(gettext_noop("Votes"), "votes_per_comparison", 1, 20)
    temperature = forms.FloatField(
        label=gettext_noop("Temperature"),
        required=False,
        min_value=0,
        max_value=10,
        help_text=gettext_noop(
            "How varied the answers are: 0 always takes the likeliest word, 1 is usual. Empty: the model's own."
        ),
    )
    max_tokens = _number(gettext_noop("Longest answer (tokens)"), "max_tokens", 1, 32768)
    stock_target = _number(gettext_noop("Ready in stock"), "stock_target", 0, 1000)
    folded = (
        "own_prompts", "guidelines", "slug", "description", "completions_per_comparison", "ask_ratings",
        "ask_strength", "criteria", "span_categories", "prompted_share", "votes_per_comparison", "temperature",
        "max_tokens", "stock_target",
    )  # fmt: skip

    def clean_title(self) -> str:
        return seen_title(self.cleaned_data["title"])

    def clean_models(self) -> QuerySet[ModelVersion]:
        models: QuerySet[ModelVersion] = self.cleaned_data["models"]
        if self.cleaned_data.get("preset") == "evaluation" and len(models) == 1:
            raise forms.ValidationError(gettext("An evaluation compares two models: choose another one, or none yet."))
        return models

    def only_title(self) -> list[BoundField]:
        return [self["title"]]

    def first_but_preset(self) -> list[BoundField]:
        """The preset is drawn with a sentence on each choice."""
        return [field for field in self.first() if field.name not in ("title", "preset")]

    def settings(self) -> JsonObject:
        """What was said of the project's settings; what was left empty is the preset's."""
        said: JsonObject = {}
        numbers = ("completions_per_comparison", "votes_per_comparison", "max_tokens", "stock_target", "prompted_share")
        for name in numbers:
            if (value := self.cleaned_data[name]) is not None:
                said[name] = value
        for name in ("ask_ratings", "ask_strength"):
            if self.cleaned_data[name]:
                said[name] = self.cleaned_data[name] == "yes"
        for name in ("description", "criteria", "span_categories"):
            if self.cleaned_data[name]:
                said[name] = self.cleaned_data[name]
        if isinstance(votes := said.get("votes_per_comparison"), int):
            said["overlap_votes"] = max(votes, 3)
        return said

    def params(self) -> JsonObject:
        temperature = self.cleaned_data["temperature"]
        return {} if temperature is None else {"temperature": temperature}


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form; then the new project's page, which says what is left."""
    only_managers(request)
    offered = list(policies()[:2])
    form = NewProjectForm(request.POST or None, initial={"models": offered if len(offered) == 1 else []})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = set_up(
                by=user_of(request), title=said["title"], preset=PRESETS[said["preset"]], models=list(said["models"]),
                prompts=said["prompts"], own_prompts=said["own_prompts"], params=form.params(),
                guidelines=said["guidelines"], slug=said["slug"], settings=form.settings(),
            )  # fmt: skip
        except LabelingError as refusal:
            form.add_error(None, str(refusal))
        else:
            vars(request).pop("_projects_by_role", None)  # read again: one more project
            done = inviting.invite(request, made, said["people"], Membership.Role.TRAINER)
            inviting.keep(request, made, done)
            tell(request, done)
            return redirect("managing:project", made.slug)
    about = [(choice, PRESETS[str(choice.data["value"])].about) for choice in form["preset"]]
    return show(
        request, "new", title=gettext("New project"), form=form, presets=about, no_model=not offered,
        operator=is_operator(request), status=422 if form.errors else 200,
    )  # fmt: skip


def tell(request: HttpRequest, done: inviting.Invited) -> None:
    for sentence in done.sentences():
        messages.success(request, sentence)
    for sentence in done.refused:
        messages.error(request, sentence)
