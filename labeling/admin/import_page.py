"""Import by upload: a worker reads the file; the page tells how far it is, then what came in and what was refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from accounts.requests import user_of
from common.admin import ProjectScopedAdmin, record
from labeling.importers.base import IMPORTERS, KINDS
from labeling.imports import runs
from labeling.models import ImportRun, Project

SHOWN_RUNS = 10
SHOWN_ERRORS = 200


class ImportForm(forms.Form):
    file = forms.FileField(
        help_text="JSON Lines, JSON or CSV, plain or gzipped. For very large files there is the command."
    )
    format = forms.ChoiceField(
        choices=lambda: [("", "detect it"), *((name, name) for name in IMPORTERS.choices())],
        required=False, help_text="How the records are written.",
    )  # fmt: skip
    kind = forms.ChoiceField(
        label="Import as", choices=[("", "what each record is"), *((kind, kind) for kind in KINDS)], required=False,
        help_text="Prompts go into the pool; demonstrations and comparisons are mixed into exports on request.",
    )  # fmt: skip
    source = forms.CharField(
        max_length=120, required=False, help_text="Name of the data, for the card and for mixing; else the file's name."
    )
    encoding = forms.CharField(
        max_length=40, required=False, help_text="Such as utf-16 or windows-1252; UTF-8 unless it is named."
    )
    dry_run = forms.BooleanField(required=False, label="Only try: count and show, store nothing", initial=True)


def import_page(model_admin: ProjectScopedAdmin[Project], request: HttpRequest, project: Project) -> HttpResponse:
    """The form, the project's last imports, and with `?run=` how one is getting on."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return _ask(request, project, form.cleaned_data)
    context: dict[str, object] = {
        **model_admin.admin_site.each_context(request), "project": project, "form": form,
        "title": f"Import into {project}", "runs": ImportRun.objects.filter(project=project)[:SHOWN_RUNS],
    }  # fmt: skip
    if "run" in request.GET:
        context |= _progress(_run(project, request.GET["run"]))
        if request.headers.get("HX-Request"):
            return TemplateResponse(request, "admin/labeling/_import_run.html", context)
    return TemplateResponse(request, "admin/labeling/import.html", context)


def _ask(request: HttpRequest, project: Project, asked: dict[str, Any]) -> HttpResponse:
    source = (asked["source"] or asked["file"].name.split(".")[0])[:120]
    wanted: runs.Asked = {
        "format": asked["format"], "kind": asked["kind"], "source": source, "encoding": asked["encoding"],
    }  # fmt: skip
    run = runs.request(project=project, by=user_of(request), file=asked["file"], asked=wanted, dry_run=asked["dry_run"])
    if not run.dry_run:
        record(request, "project.import", project)
    return HttpResponseRedirect(f"{request.path}?run={run.pk}")


def _run(project: Project, pk: str) -> ImportRun:
    try:
        return get_object_or_404(ImportRun, project=project, pk=UUID(pk))
    except ValueError:
        raise Http404 from None


def _progress(run: ImportRun) -> dict[str, object]:
    report = run.summary
    errors, unused = report.get("errors"), report.get("not_used")
    return {
        "run": run,
        "report": report,
        "errors": errors[:SHOWN_ERRORS] if isinstance(errors, list) else [],
        "not_used": unused.items() if isinstance(unused, dict) else (),
    }
