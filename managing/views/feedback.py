"""What people said of the model's replies: thumbs and reports, narrowed, and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from common.downloads import csv_of
from labeling import feedback as said
from labeling.feedback import Problem
from labeling.models import Project, TurnFeedback
from labeling.pages.forms import chosen, filtered
from managing.access import reviewed, show
from managing.pages import opinions

SHOWN = 30
FILTERS: dict[str, Sequence[str]] = {"problem": Problem.values, "thumb": ("up", "down")}
LEAD = gettext_noop(
    "Thumbs and reports of trainers and guests. What is reported as harmful, and where the content filter was wrong, "
    "also waits in the queue of marks; what is false counts among the made-up answers of Insights."
)


@never_cache
@require_GET
def feedback(request: HttpRequest, slug: str) -> HttpResponse:
    project = reviewed(request, slug)
    wanted = {name: filtered(request, name, choices) for name, choices in FILTERS.items()}
    page = Paginator(_rows(project, wanted), SHOWN).get_page(request.GET.get("page"))
    return show(
        request, "feedback", project, title=gettext("Feedback"), lead=LEAD, page=page, wanted=wanted,
        rows=[opinions.shown(row) for row in page], problems=Problem.choices, query=urlencode(wanted),
    )  # fmt: skip


@never_cache
@require_GET
def sheet(request: HttpRequest, slug: str) -> HttpResponse:
    """The same rows, all of them."""
    project = reviewed(request, slug)
    wanted = {name: chosen(request.GET, name, ("", *choices)) for name, choices in FILTERS.items()}
    return csv_of(opinions.to_csv(_rows(project, wanted)), f"{slug}-feedback.csv")


def _rows(project: Project, wanted: dict[str, str]) -> QuerySet[TurnFeedback]:
    return said.narrowed(said.of_project(project), problem=wanted["problem"], thumb=wanted["thumb"])
