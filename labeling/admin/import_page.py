"""Import by upload, with its report: what came in, and which lines did not and why."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common import plugins
from common.admin import ProjectScopedAdmin, record
from labeling import imports
from labeling.errors import LabelingError
from labeling.importers.base import IMPORTERS, KINDS, Options
from labeling.models import Project

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
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {
        **model_admin.admin_site.each_context(request), "project": project, "form": form,
        "title": f"Import into {project}",
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            report = imports.run(
                project=project, format=asked["format"], file=asked["file"].file, kind=asked["kind"], options=Options(),
                encoding=asked["encoding"],
                source=(asked["source"] or asked["file"].name.split(".")[0])[:120], dry_run=asked["dry_run"],
                samples=3 if asked["dry_run"] else 0,
            )  # fmt: skip
        except (plugins.UnknownPlugin, imports.Unreadable, LabelingError) as refusal:
            form.add_error("file", str(refusal))
        else:
            found = report.to_dict()
            context |= {"report": found, "errors": found["errors"][:SHOWN_ERRORS], "tried": asked["dry_run"]}
            context["not_used"] = found["not_used"].items()
            context["samples"] = report.samples
            if not asked["dry_run"]:
                record(request, "project.import", project)
    return TemplateResponse(request, "admin/labeling/import.html", context)
