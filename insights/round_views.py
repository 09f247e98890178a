"""The page of a project's rounds beside each other, and its tables as CSV. It reads one kept report."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from insights import rounds, table_output
from insights.round_sections import sections
from insights.round_tables import TABLES
from insights.views import project_page
from labeling.models import Project


@project_page
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """New against old, reward models against people, and the limitations of each model version."""
    report = rounds.rounds_of(project)
    found = sections(report) if report else []
    context = {
        "title": gettext("Rounds beside each other"), "project": project,
        "report": report, "sections": found, "empty": [section for section in found if section.empty],
    }  # fmt: skip
    return TemplateResponse(request, "insights/rounds.html", context)


@project_page
def table(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    """One table as CSV."""
    report = rounds.rounds_of(project) if name in TABLES else None
    if report is None:
        raise Http404
    response = HttpResponse(table_output.to_csv(TABLES[name](report)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-rounds-{name}.csv"'
    return response
