"""Rounds of a project: the list, the form of the next one, and closing the open one."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import record
from accounts.requests import user_of
from common.admin import is_operator
from common.shapes import JsonObject
from common.translated import translated
from labeling import goals, projects
from labeling.errors import LabelingError
from labeling.models import Project, Round, RoundPolicy
from managing.access import managed, show
from managing.forms import SiteForm
from managing.views.goals import GoalForm
from managing.views.new_project import policies
from sampler.models import ModelVersion

FIELDS = {
    "temperature": gettext_noop("Temperature"),
    "top_p": gettext_noop("Top-p"),
    "max_tokens": gettext_noop("Longest answer"),
}  # parameters with a field
WORDS = {
    "temperature": gettext_noop("temperature"),
    "top_p": gettext_noop("top-p"),
    "max_tokens": gettext_noop("longest answer"),
}  # the same within a sentence: no language but English may be lowercased


class NoteForm(SiteForm):
    note = forms.CharField(
        label=gettext_noop("Note"),
        required=False,
        max_length=200,
        help_text=gettext_noop("What is new in this round, for those who read later."),
    )


class PolicyForm(SiteForm):
    """A model version's part in a round. Without a weight it takes none."""

    weight = forms.FloatField(label=gettext_noop("Weight"), required=False, min_value=0, max_value=1000)
    temperature = forms.FloatField(label=gettext_noop("Temperature"), required=False, min_value=0, max_value=10)
    top_p = forms.FloatField(label=gettext_noop("Top-p"), required=False, min_value=0.01, max_value=1)
    max_tokens = forms.IntegerField(label=gettext_noop("Longest answer"), required=False, min_value=1, max_value=32768)

    def __init__(
        self,
        version: ModelVersion,
        before: RoundPolicy | None,
        only: bool,
        data: Mapping[str, str] | None,
        *,
        longest: int,
    ) -> None:
        """`longest`: the answers' length where this form says none, which is the project's."""
        self.version = version
        self._usual = {**version.default_params, "max_tokens": longest}
        own = {**(before.params if before else {})}
        initial = {name: own.pop(name, None) for name in FIELDS}
        self.kept: JsonObject = own  # parameters that have no field here go into the next round as they were
        initial["weight"] = before.weight if before else (1 if only else None)
        super().__init__(data, prefix=f"m-{version.slug}", initial=initial)
        for name, label in {"weight": "Weight", **FIELDS}.items():
            self.fields[name].widget.attrs |= {
                "aria-label": gettext("%(field)s of %(model)s") % {"field": gettext(label), "model": version.slug},
                "placeholder": str(self._usual.get(name, "")),
            }  # fmt: skip

    def part(self) -> tuple[ModelVersion, float, JsonObject]:
        said = {name: self.cleaned_data[name] for name in FIELDS if self.cleaned_data[name] is not None}
        return self.version, self.cleaned_data["weight"], {**self.kept, **said}


@require_GET
def rounds(request: HttpRequest, slug: str) -> HttpResponse:
    project = managed(request, slug)
    rows = Round.objects.filter(project=project).prefetch_related("policies__model_version").order_by("-number")[:100]
    lead = gettext(
        "Each round samples from its own mixture of models. What is made while a round is open belongs to it."
    )
    return show(
        request, "rounds", project, title=gettext("Rounds"), lead=lead, operator=is_operator(request),
        rounds=[(row, _mixture(row)) for row in rows],
    )  # fmt: skip


def _mixture(round_: Round) -> list[tuple[str, str, str]]:
    """Each model of a round, its share, and its own parameters in words."""
    parts = list(round_.policies.all())
    total = sum(part.weight for part in parts) or 1
    return [(part.model_version.slug, f"{part.weight / total:.0%}", _in_words(part.params)) for part in parts]


def _in_words(params: JsonObject) -> str:
    return ", ".join(f"{translated(WORDS.get(name, name.replace('_', ' ')))} {value}" for name, value in params.items())


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """A row for each model that can answer; the last round's numbers stand in them to begin with."""
    project = managed(request, slug)
    posted = request.POST or None
    note, aims, parts = NoteForm(posted), GoalForm(posted), _parts(project, posted)
    if posted and all([note.is_valid(), aims.is_valid(), *(part.is_valid() for part in parts)]):
        mixture = [part.part() for part in parts if part.cleaned_data["weight"]]
        try:
            with transaction.atomic():
                made = projects.open_round(project=project, policies=mixture, note=note.cleaned_data["note"])
                goals.set_goals(round=made, **aims.numbers())
        except LabelingError as refusal:
            if parts and not mixture:
                parts[0].add_error("weight", str(refusal))
            else:
                note.add_error(None, str(refusal))
        else:
            record(actor=user_of(request), action="round.opened", obj=made)
            messages.success(request, gettext("Round %(number)s is open.") % {"number": made.number})
            return redirect("managing:project", slug)
    refused = note.errors or aims.errors or any(part.errors for part in parts)
    return show(
        request, "round", project, title=gettext("Open a round"), form=note, goals=aims, parts=parts,
        fields=FIELDS.items(), open=projects.current_round(project), operator=is_operator(request),
        status=422 if refused else 200,
    )  # fmt: skip


def _parts(project: Project, posted: Mapping[str, str] | None) -> list[PolicyForm]:
    last = Round.objects.filter(project=project).order_by("-number").first()
    before = {policy.model_version_id: policy for policy in last.policies.all()} if last else {}
    versions = list(policies())
    longest = project.max_tokens
    return [PolicyForm(one, before.get(one.pk), len(versions) == 1, posted, longest=longest) for one in versions]


@require_POST
def close(request: HttpRequest, slug: str) -> HttpResponse:
    project = managed(request, slug)
    if round_ := projects.current_round(project):
        projects.close_round(round=round_)
        record(actor=user_of(request), action="round.closed", obj=round_)
        messages.success(
            request,
            gettext("Round %(number)s is closed. What was already made can still be ranked.")
            % {"number": round_.number},
        )
    return redirect("managing:rounds", slug)
