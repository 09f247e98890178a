"""A project's data sets on the Hugging Face Hub: push an export, watch it, take a data set back."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import user_of
from common.numbers import grouped
from common.translated import dated
from exports.models import ExportRun
from hub import pushes
from hub.models import Repository
from labeling.errors import LabelingError
from labeling.models import Project
from managing.access import managed, show
from managing.forms import SiteForm
from managing.pages import exporting, pushed

OFFERED = 30  # exports to choose from


class PushForm(SiteForm):
    export = forms.ChoiceField(label=gettext_noop("Which export"))
    into = forms.ChoiceField(
        label=gettext_noop("Into which data set"),
        required=False,
        help_text=gettext_noop("An earlier one is replaced; its history stays."),
    )
    namespace = forms.ChoiceField(label=gettext_noop("Whose it is on the Hub"))
    name = forms.CharField(
        label=gettext_noop("Name of the new data set"), required=False, max_length=96,
        help_text=gettext_noop("Letters, digits, dots, hyphens and underscores."),
    )  # fmt: skip
    public = forms.BooleanField(
        label=gettext_noop("Everybody may read it"), required=False,
        help_text=gettext_noop("Otherwise it is private: only those whom you let in on the Hub."),
    )  # fmt: skip

    def __init__(self, project: Project, data: Mapping[str, str] | None, *, chosen: str) -> None:
        super().__init__(data, initial={"export": chosen, "name": project.slug})
        self._project = project
        self.runs = {exporting.name_of(run): run for run in _exports(project)}
        made = Repository.objects.filter(project=project, state=Repository.State.MADE)
        self.repositories = {one.name: one for one in made[:OFFERED]}
        spaces = pushes.namespaces_of(project)
        self._choose("export", [(n, _told(run)) for n, run in self.runs.items()])
        self._choose("into", [("", gettext("a new one")), *((name, name) for name in self.repositories)])
        self._choose("namespace", [(name, name) for name in spaces])
        if not self.repositories:
            del self.fields["into"]
        if len(spaces) == 1:
            self.fields["namespace"].disabled = True
            self.initial["namespace"] = spaces[0]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if not cleaned.get("into") and not cleaned.get("name"):
            self.add_error("name", gettext("A new data set needs a name."))
        return cleaned


def _told(run: ExportRun) -> str:
    rows = {"instant": dated(timezone.localtime(run.cutoff), "j M Y, H:i"), "rows": grouped(run.rows_written)}
    return ngettext("%(instant)s: %(rows)s row", "%(instant)s: %(rows)s rows", run.rows_written) % rows


def _exports(project: Project) -> list[ExportRun]:
    rows = ExportRun.objects.filter(project=project, state=ExportRun.State.FINISHED)
    rows = rows.exclude(trigger=ExportRun.Trigger.COMMAND).defer("manifest")
    return list(rows.order_by("-cutoff")[:OFFERED])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hub(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, where the operator allows this project a place on the Hub, and what lies there."""
    project = managed(request, slug)
    there = pushed.on_hub(project)
    underway = any(one.underway for one in there)
    endpoint = settings.HUB_ENDPOINT
    if request.headers.get("HX-Request"):
        return show(request, "_hub", project, there=there, underway=underway, endpoint=endpoint)
    allowed = bool(pushes.namespaces_of(project))
    form = PushForm(project, request.POST or None, chosen=request.GET.get("export", "")) if allowed else None
    if request.method == "POST":
        if form is None:
            raise Http404
        if form.is_valid() and _ask(request, form):
            return redirect("managing:exports-hub", slug)
    status = 422 if form and form.errors else 200
    return show(
        request, "hub", project, title=gettext("On the Hugging Face Hub"), form=form, status=status, there=there,
        underway=underway, endpoint=endpoint,
    )  # fmt: skip


def _ask(request: HttpRequest, form: PushForm) -> bool:
    said = form.cleaned_data
    chosen = form.repositories.get(said.get("into") or "")
    try:
        push = pushes.request(
            run=form.runs[said["export"]], by=user_of(request), repository=chosen,
            name=f"{said['namespace']}/{said['name']}", private=not said["public"],
        )  # fmt: skip
    except LabelingError as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(
        request, gettext("It is on its way into %(name)s. You may leave this page.") % {"name": push.repository.name}
    )
    return True


@require_POST
def take_back(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Delete one of the project's data sets from the Hub, with its history."""
    project = managed(request, slug)
    repository = get_object_or_404(Repository, project=project, pk=number)
    if pushes.take_back(repository=repository, by=user_of(request)):
        messages.success(request, gettext("%(name)s is being deleted from the Hub.") % {"name": repository.name})
    else:
        messages.error(
            request,
            gettext("%(name)s cannot be taken back just now: it is moving, or gone.") % {"name": repository.name},
        )
    return redirect("managing:exports-hub", slug)
