"""Models: which there are, and an operator's form that connects one, tried by a worker before it is registered."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import record
from accounts.requests import user_of
from common.admin import MANAGER, is_operator, within
from common.shapes import JsonObject
from labeling.models import Project
from managing.access import only_managers, only_operators, show
from managing.forms import SiteForm
from managing.pages import trials as page
from sampler import registry, trials
from sampler.models import ModelTrial, ModelVersion
from sampler.models.versions import slug_validator

PARAMS = ("temperature", "top_p", "max_tokens")
SERVER = ("http://", "https://")


class ConnectForm(SiteForm):
    """A server or a folder. What it is called here stays."""

    location = forms.CharField(
        label=gettext_noop("Where it is"), max_length=500,
        help_text=gettext_noop(
            "The address of a model server, for example http://gpu1:8001/v1, or a folder with weights on the machine "
            "of the sampler."
        ),
    )  # fmt: skip
    slug = forms.CharField(
        label=gettext_noop("Its name here"), max_length=80, validators=[slug_validator],
        help_text=gettext_noop("Small letters, digits, dots and dashes. It stays, and exports name it."),
    )  # fmt: skip
    remote_name = forms.CharField(
        label=gettext_noop("Its name at the server"), max_length=200, required=False,
        help_text=gettext_noop("Empty: the name here, or the only model that the server has."),
    )  # fmt: skip
    api_key_env = forms.RegexField(
        r"^[A-Za-z_][A-Za-z0-9_]*$", label=gettext_noop("Variable with the server’s key"), max_length=80,
        required=False,
        help_text=gettext_noop(
            "The name of an environment variable of the sampler, for example GPU1_KEY. The key itself is never typed "
            "here."
        ),
        error_messages={"invalid": gettext_noop("Write the name of the variable, not the key.")},
    )  # fmt: skip
    temperature = forms.FloatField(
        label=gettext_noop("Temperature"), required=False, min_value=0, max_value=10,
        help_text=gettext_noop("What it samples with where a round says nothing else. Empty: 1."),
    )  # fmt: skip
    top_p = forms.FloatField(
        label=gettext_noop("Top-p"), required=False, min_value=0.01, max_value=1,
        help_text=gettext_noop("Keeps only the likeliest words up to this share. Empty: all of them."),
    )  # fmt: skip
    max_tokens = forms.IntegerField(
        label=gettext_noop("Longest answer (tokens)"), required=False, min_value=1, max_value=32768,
        help_text=gettext_noop("Empty: as the project has it."),
    )  # fmt: skip
    context_limit = forms.IntegerField(
        label=gettext_noop("Context (tokens)"), required=False, min_value=16,
        help_text=gettext_noop("The prompt and the answer together. Empty: the model’s own."),
    )  # fmt: skip
    system_prompt = forms.CharField(
        label=gettext_noop("System turn"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_noop("Put first where a dialogue has no system turn. Empty: an empty turn."),
    )  # fmt: skip
    folded = (*PARAMS, "context_limit", "system_prompt")

    def clean_location(self) -> str:
        location: str = self.cleaned_data["location"].strip()
        try:
            registry.check_location(engine_of(location), location)
        except ValueError as refusal:
            raise ValidationError(str(refusal)) from None
        return location

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if ModelVersion.objects.filter(slug=slug).exists():
            raise ValidationError(gettext("Another model has this name already, and a name is never given twice."))
        return slug

    def wanted(self) -> trials.Wanted:
        said = self.cleaned_data
        params: JsonObject = {name: said[name] for name in PARAMS if said[name] is not None}
        server = engine_of(said["location"]) == "openai"
        return {
            "slug": said["slug"], "engine": engine_of(said["location"]), "location": said["location"],
            "remote_name": said["remote_name"] if server else "",
            "api_key_env": said["api_key_env"] if server else "",
            "system_prompt": said["system_prompt"], "context_limit": said["context_limit"], "params": params,
        }  # fmt: skip


def engine_of(location: str) -> str:
    return "openai" if location.lower().startswith(SERVER) else "hf"


def initial_of(trial: ModelTrial) -> dict[str, object]:
    """The form as it was when this was tried."""
    names = ("location", "slug", "remote_name", "api_key_env", "context_limit", "system_prompt")
    return {**{name: getattr(trial, name) for name in names}, **trial.params}


def for_project(request: HttpRequest) -> Project | None:
    """The project from whose page somebody came, to go back to."""
    slug = request.GET.get("in_project", "")
    return within(MANAGER, request, Project.objects.all(), "pk").filter(slug=slug).first() if slug else None


@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """Every model that can be put into a round, and how it is."""
    only_managers(request)
    rows = ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).order_by("state", "slug")
    lead = gettext("Models that can answer here. Whoever runs this site connects them.")
    return show(request, "models", title=gettext("Models"), lead=lead, models=rows[:200], operator=is_operator(request))


@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """The form; under it, what came of the last test of it."""
    only_operators(request)
    trial = get_object_or_404(ModelTrial, pk=number) if number is not None else None
    if request.headers.get("HX-Request") and trial is not None:
        return show(request, "_trial", trial=page.shown(trial), back=for_project(request))
    form = ConnectForm(request.POST or None, initial=initial_of(trial) if trial else {})
    if request.method == "POST" and form.is_valid():
        try:
            made = trials.request(wanted=form.wanted())
        except ValueError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect(f"{reverse('managing:models-trial', args=[made.pk])}{asked(request)}#trial")
    lead = gettext(
        "A worker tries it before anything is registered: it connects, asks for one line, and lets go of it again."
    )
    return show(
        request, "connect", title=gettext("Connect a model"), lead=lead, form=form, back=for_project(request),
        trial=page.shown(trial) if trial and not form.errors else None, status=422 if form.errors else 200,
    )  # fmt: skip


def asked(request: HttpRequest) -> str:
    project = for_project(request)
    return f"?in_project={project.slug}" if project else ""


@require_POST
def register(request: HttpRequest, number: int) -> HttpResponse:
    """Register what was tried and has worked."""
    only_operators(request)
    trial = get_object_or_404(ModelTrial, pk=number, state=ModelTrial.State.WORKED)
    try:
        version, created = trials.register(trial=trial)
    except ValueError as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{reverse('managing:models-trial', args=[trial.pk])}{asked(request)}")
    if created:
        record(actor=user_of(request), action="modelversion.registered", obj=version)
        messages.success(request, gettext("%(name)s is connected.") % {"name": version.slug})
    project = for_project(request)
    return redirect("managing:rounds-new", project.slug) if project else redirect("managing:models")
