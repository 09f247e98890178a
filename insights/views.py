"""Dashboards in the admin site. Managers and reviewers see their own projects; a page never computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, TypedDict

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from common.admin import MANAGER, REVIEWERS, is_operator, project_ids, within
from common.compiled import compiled
from common.downloads import csv_of
from insights import content_filter as filtered
from insights import loop_report, reports, table_output, tables
from insights import red_team as tried
from insights.live_progress import live_progress
from insights.models import Report
from insights.report_types import ReportData
from insights.sections import sections
from labeling.models import Project, Round
from labeling.progress import glance_at
from moderation import queue

Rest = ParamSpec("Rest")


def project_page(
    view: Callable[Concatenate[HttpRequest, Project, Rest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Fetch the project among the person's own, inside the admin site. URLs call it, with `slug` by name."""

    def inner(request: HttpRequest, /, slug: str, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        for project in _called(slug):
            if is_operator(request) or project.pk in project_ids(request, REVIEWERS):
                return view(request, project, *args, **kwargs)
        raise Http404

    return admin.site.admin_view(require_GET(wraps(view)(inner)))


@compiled
def _called(slug: str) -> QuerySet[Project]:
    """At most one."""
    return Project.objects.filter(slug=slug).order_by()


def _round(request: HttpRequest, project: Project) -> Round | None:
    number = request.GET.get("round", "")
    if not number:
        return None
    if not number.isdecimal() or len(number) > 6:
        raise Http404
    return get_object_or_404(Round, project=project, number=int(number))


@project_page
def insights(request: HttpRequest, project: Project) -> HttpResponse:
    """Agreement, ratings, biases, people and throughput, each with its table and its CSV."""
    round_ = _round(request, project)
    report = reports.insights_of(project, round_)
    found = sections(report) if report else []
    context = {
        "title": gettext("Insights"), "project": project, "report": report,
        "round": round_, "query": f"?round={round_.number}" if round_ else "",
        "rounds": _rounds(project),
        "sections": found, "empty": [section for section in found if section.empty],
        "loop": loop_report.report_of(project) is not None,
    }  # fmt: skip
    return TemplateResponse(request, "insights/project.html", context)


@compiled
def _rounds(project: Project) -> QuerySet[Round]:
    return Round.objects.filter(project=project).order_by("-number")


@project_page
def table(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    """One table as CSV."""
    if name not in tables.TABLES:
        raise Http404
    report = reports.insights_of(project, _round(request, project))
    if report is None:
        raise Http404
    return csv_of(table_output.to_csv(tables.TABLES[name](report)), f"{project.slug}-{name}.csv")


@project_page
def progress(request: HttpRequest, project: Project) -> HttpResponse:
    """What waits, what is worked on, what is done. The middle of the page renews itself while it is open."""
    found = live_progress(project)
    context = {"title": gettext("Progress"), "project": project, "p": found}
    name = "insights/_progress.html" if request.headers.get("HX-Request") else "insights/progress.html"
    return TemplateResponse(request, name, context)


@project_page
def loop(request: HttpRequest, project: Project) -> HttpResponse:
    """What a run of `demo_loop` found, as far as it has come."""
    report = loop_report.report_of(project)
    if report is None:
        raise Http404
    context = {
        "title": gettext("Loop"), "project": project, "report": report,
        "sections": loop_report.sections(report),
    }  # fmt: skip
    return TemplateResponse(request, "insights/loop.html", context)


@project_page
def content_filter(request: HttpRequest, project: Project) -> HttpResponse:
    """The content filter against what people say; `all`: with the marks of the reader's other projects."""
    several = bool(request.GET.get("all"))
    found = filtered.found_of(project, beside=_others(request, project) if several else ())
    context = {
        "title": gettext("How right the content filter is"), "project": project,
        "found": found, "sections": filtered.sections(found), "several": several, "query": "?all=1" if several else "",
        "waiting": queue.undecided(project).count(),
        "manager": within(MANAGER, request, Project.objects.filter(pk=project.pk), "pk").exists(),
    }  # fmt: skip
    return TemplateResponse(request, "insights/filter.html", context)


@project_page
def content_filter_table(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    """One of its tables as CSV."""
    if name not in filtered.NAMES:
        raise Http404
    found = filtered.found_of(project, beside=_others(request, project) if request.GET.get("all") else ())
    return csv_of(table_output.to_csv(filtered.tables(found)[name]), f"{project.slug}-filter-{name}.csv")


@project_page
def red_team(request: HttpRequest, project: Project) -> HttpResponse:
    """How often each rule was broken, by model version."""
    found = tried.tries_of(project)
    context = {
        "title": gettext("Red-team chats"), "project": project, "found": found,
        "sections": tried.sections(found), "query": "",
        "manager": within(MANAGER, request, Project.objects.filter(pk=project.pk), "pk").exists(),
    }  # fmt: skip
    return TemplateResponse(request, "insights/red_team.html", context)


@project_page
def red_team_table(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    """Its table as CSV."""
    if name != tried.TABLE:
        raise Http404
    return csv_of(table_output.to_csv(tried.table(tried.tries_of(project))), f"{project.slug}-{name}.csv")


def _others(request: HttpRequest, project: Project) -> list[Project]:
    return list(within(REVIEWERS, request, Project.objects.exclude(pk=project.pk), "pk"))


class OverviewRow(TypedDict):
    """A project in the list of the first page."""

    project: Project
    as_of: datetime | None
    rankings: int | None
    agreement: str
    live: Mapping[str, int]
    alarms: list[str]


def overview(request: HttpRequest, context: dict[str, object]) -> dict[str, object]:
    """The admin site's first page: every project of mine in a line (settings.UNFOLD names this function)."""
    projects = list(within(REVIEWERS, request, Project.objects.active(), "pk").order_by("title")[:50])
    live = glance_at(projects, reviewer=request.user)  # type: ignore[arg-type]
    known = {report.project_id: report for report in reports.of_projects(projects)}
    return {**context, "rows": [_line(project, known.get(project.pk), live[project.pk]) for project in projects]}


def _line(project: Project, report: Report | None, live: Mapping[str, int]) -> OverviewRow:
    row: OverviewRow = {
        "project": project, "as_of": None, "rankings": None, "agreement": "–", "live": live, "alarms": [],
    }  # fmt: skip
    if report is None:
        return row
    data: ReportData = report.data
    agreed = data["agreement"]["between_trainers"]["tie_excluded"]["value"]
    row["as_of"], row["rankings"] = report.as_of, data["counts"]["rankings"]
    row["agreement"] = "–" if agreed is None else f"{agreed:.0%}"
    row["alarms"] = [trainer["person"] for trainer in data["trainers"] if trainer["drift_alarm"]]
    return row
