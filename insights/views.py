"""Dashboards in the admin site. Managers and reviewers see their own projects; a page never computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET

from common.admin import REVIEWERS, within
from insights import charts, explanations, reports, tables
from labeling.models import Project, Round
from labeling.progress import glance_at


def project_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Fetch the project among the person's own, inside the admin site."""

    @wraps(view)
    def inner(request: HttpRequest, slug: str, **rest: Any) -> HttpResponse:
        project = get_object_or_404(within(REVIEWERS, request, Project.objects.all(), "pk"), slug=slug)
        return view(request, project, **rest)

    return admin.site.admin_view(require_GET(inner))


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
    context = {
        **admin.site.each_context(request), "title": f"Insights: {project}", "project": project, "report": report,
        "round": round_, "rounds": Round.objects.filter(project=project).order_by("-number"),
        "sections": _sections(report) if report["as_of"] else [],
    }  # fmt: skip
    return TemplateResponse(request, "insights/project.html", context)


def _sections(report: dict[str, Any]) -> list[dict[str, Any]]:
    found, bias = report["agreement"], report["bias"]
    per = [
        ("trainers", *tables.share(found["between_trainers"]["tie_excluded"])[:3]),
        ("trainer and reviewer", *tables.share(found["trainer_and_reviewer"]["tie_excluded"])[:3]),
        ("longer is better", *tables.share(found["length_baseline"])[:3]),
        *((band["who"], band["value"], band["low"], band["high"]) for band in found["published"]),
    ]
    elo = [
        (row["name"], row["elo"]["value"], row["elo"]["low"], row["elo"]["high"]) for row in report["ratings"]["models"]
    ]
    effects = [(name, e["value"], e["low"], e["high"]) for name, e in bias.get("effects", {}).items()]
    wins = [(f"place {n}", won) for n, won in enumerate(bias["position"]["wins"], start=1)]
    even = bias["position"]["expected"][0] if wins else None
    weeks = [(row["week"], row["verbatim"]) for row in report["suggestions"]["by_week"]]
    haste = [
        (f"{what}, {who}", found["value"], found["low"], found["high"])
        for what, key in (("longer", "longer_wins"), ("shown earlier", "earlier_wins"))
        for who, found in list((bias["speed"][key] or {}).items())[:2]
    ]
    days = [(row["day"], row["rankings"]) for row in report["throughput"]]
    drifts = [
        charts.line(f"Drift of {t['person']}", t["drift_path"], guide=t["drift_threshold"])
        for t in report["trainers"]
        if t["drift_alarm"]
    ]
    return [
        _section("Agreement", explanations.on_agreement(report), charts.intervals("Agreement on pairs that both order", per), report, "agreement", "agreement-by-round", "people"),  # noqa: E501
        _section("Model versions", explanations.on_models(report), charts.intervals("Elo with 95% interval", elo, percent=False, guide=1000), report, "models", "win-rates"),  # noqa: E501
        _section("Length and style", f"{explanations.on_length(report)} {explanations.on_style(report)}", charts.intervals("Effect on the log-odds of being preferred", effects, percent=False, guide=0), report, "effects"),  # noqa: E501
        _section("Place on the screen", explanations.on_position(report), charts.bars("First places by place on the screen", wins, guide=even), report, "positions"),  # noqa: E501
        _section("Speed", explanations.on_speed(report), charts.intervals("Share of pairs won", haste, guide=0.5), report, "speed"),  # noqa: E501
        _section("Trainers", explanations.on_trainers(report), mark_safe("".join(drifts)), report, "trainers", "repeats"),
        _section("Suggestions", explanations.on_suggestions(report), charts.columns("Turns taken verbatim, by week", weeks), report, "suggestions"),  # noqa: E501
        _section("Work by day", "", charts.columns("Rankings a day", days), report, "throughput"),
    ]  # fmt: skip


def _section(title: str, sentence: str, chart: Any, report: dict[str, Any], *names: str) -> dict[str, Any]:
    shown = [{"name": name, **tables.display(tables.TABLES[name](report))} for name in names]
    kept = [table for table in shown if table["body"]]
    return {"title": title, "sentence": sentence, "chart": chart, "tables": kept, "folded": "throughput" in names}


@project_page
def table(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    """One table as CSV."""
    if name not in tables.TABLES:
        raise Http404
    report = reports.insights_of(project, _round(request, project))
    if not report["as_of"]:
        raise Http404
    response = HttpResponse(tables.to_csv(tables.TABLES[name](report)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-{name}.csv"'
    return response


@project_page
def progress(request: HttpRequest, project: Project) -> HttpResponse:
    """What waits, what is worked on, what is done. The middle of the page renews itself while it is open."""
    found = reports.progress_of(project)
    context = {**admin.site.each_context(request), "title": f"Progress: {project}", "project": project, "p": found}
    name = "insights/_progress.html" if request.headers.get("HX-Request") else "insights/progress.html"
    return TemplateResponse(request, name, context)


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The admin site's first page: every project of mine in a line (settings.UNFOLD names this function)."""
    from insights.models import Report

    projects = list(within(REVIEWERS, request, Project.objects.active(), "pk").order_by("title")[:50])
    live = glance_at(projects, reviewer=request.user)  # type: ignore[arg-type]
    known = {report.project_id: report for report in Report.objects.filter(project__in=projects, round=None)}
    rows = []
    for project in projects:
        report = known.get(project.pk)
        data = report.data if report else {}
        agreed = data.get("agreement", {}).get("between_trainers", {}).get("tie_excluded", {}).get("value")
        rows.append({
            "project": project, "as_of": report.as_of if report else None,
            "rankings": data.get("counts", {}).get("rankings"),
            "agreement": f"{agreed:.0%}" if agreed is not None else "–",
            "live": live[project.pk],
            "alarms": [t["person"] for t in data.get("trainers", []) if t["drift_alarm"]],
        })  # fmt: skip
    return {**context, "rows": rows}
