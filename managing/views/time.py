"""Active time of a project's people, month by month, with what it cost; and what the votes still wanted will cost."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET

from common.downloads import csv_of
from labeling import time_sheet
from labeling.pages.forms import month_of
from managing.access import managed, show
from managing.pages import costs

LEAD = gettext_noop(
    "The time in which people were active on a task of this project, on the day on which they submitted it or gave it "
    "back."
)


@require_GET
def time(request: HttpRequest, slug: str) -> HttpResponse:
    project = managed(request, slug)
    month = month_of(request)
    days, weeks = time_sheet.with_weeks(month, project=project)
    lines = time_sheet.by_person(days)
    return show(
        request, "time", project, title=gettext("Time"), lead=gettext(LEAD), month=month, costs=costs.costs_of(project),
        people=[(line, costs.cost_of(project, line)) for line in lines],
        total=time_sheet.hours(sum(line.seconds for line in lines)), weeks=weeks,
    )  # fmt: skip


@require_GET
def sheet(request: HttpRequest, slug: str) -> HttpResponse:
    """The month's days as CSV, a line for each person and day."""
    project = managed(request, slug)
    month = time_sheet.month_of(request.GET.get("month", ""))
    return csv_of(time_sheet.to_csv(time_sheet.sheet(month, project=project)), f"{slug}-time-{month.name}.csv")
