"""Pages to read: guidelines, the history of own work; and the small ones: session, theme, language."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import notices
from accounts.models import User
from common.compiled import compiled
from common.downloads import csv_of
from common.page_before import page_before
from labeling import time_sheet
from labeling.models import GuidelineVersion, Project
from labeling.pages import history as history_page
from labeling.pages import numbers as numbers_page
from labeling.pages import questions
from labeling.pages.figures import figures
from labeling.pages.forms import chosen, number
from labeling.views._shared import PageRequest, trainers_project, visible_project, wants_json

THEMES = ("light", "dark")
YEAR = 365 * 24 * 3600


@require_GET
def guidelines(request: PageRequest, slug: str) -> HttpResponse:
    """For those who judge by them. The version asked for, else the newest; every version stays readable."""
    project = trainers_project(request, slug)
    versions = _versions_of_guidelines(project)
    wanted = number(request.GET.get("v")) or (versions[0].number if versions else None)
    version = next((one for one in versions if one.number == wanted), None)
    if version is None and versions:
        raise Http404
    context = {
        "project": project, "versions": versions, "version": version, "newest": versions and versions[0],
        "questions": questions.shown(questions.of_guidelines(project), request.user),
    }  # fmt: skip
    return render(request, "labeling/guidelines.html", context)


@compiled
def _versions_of_guidelines(project: Project) -> QuerySet[GuidelineVersion]:
    return GuidelineVersion.objects.filter(project=project).order_by("-number").defer("text")


@require_GET
def terms(request: PageRequest, slug: str) -> HttpResponse:
    """The version asked for, else the newest, and which one this person accepted last."""
    project = visible_project(request, slug)
    versions = list(project.terms.order_by("-number").defer("text"))
    wanted = number(request.GET.get("v")) or (versions[0].number if versions else None)
    version = next((one for one in versions if one.number == wanted), None)
    if version is None and versions:
        raise Http404
    mine = request.user.accepted_terms.filter(version__project=project).select_related("version")
    context = {
        "project": project, "versions": versions, "version": version, "newest": versions and versions[0],
        "accepted": mine.order_by("-version__number").first(),
    }  # fmt: skip
    return render(request, "labeling/terms.html", context)


@require_GET
def history(request: PageRequest) -> HttpResponse:
    """Own submitted and skipped work, newest first; with `q`, only what has its words."""
    words = history_page.words_of(request.GET.get("q", ""))
    shown = history_page.work_of(request.user, before=history_page.moment(request.GET.get("before")), words=words)
    context = {"here": "history", "work": shown.rows, "older": shown.older, "q": " ".join(words)}
    return render(request, "labeling/history.html", context)


@require_GET
def numbers(request: PageRequest) -> HttpResponse:
    """Own numbers by project, and the time sheet of a month."""
    month = time_sheet.month_of(request.GET.get("month", ""))
    lines, weeks = time_sheet.with_weeks(month, person=request.user)
    own = numbers_page.numbers(request.user)
    context = {
        "here": "numbers", "month": month, "lines": lines, "projects": own, "weeks": weeks,
        "figures": figures(request.user, by_project=any(one.project.daily_goal for one in own)),
        "total": time_sheet.hours(sum(one.seconds for one in lines)),
    }  # fmt: skip
    return render(request, "labeling/numbers.html", context)


@require_GET
def own_sheet(request: PageRequest) -> HttpResponse:
    """The month as CSV."""
    month = time_sheet.month_of(request.GET.get("month", ""))
    return csv_of(time_sheet.to_csv(time_sheet.sheet(month, person=request.user)), f"time-{month.name}.csv")


@require_GET
def session(request: PageRequest) -> HttpResponse:
    """Who is signed in; a page asks when its session may have ended."""
    if wants_json(request):
        return JsonResponse({"user": request.user.get_username()})
    return render(request, "labeling/signed_in.html")


@login_not_required
@require_GET
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """The dialog that a page shows where its session has ended."""
    return render(request, "account/again.html")


@login_not_required
@require_GET
def script_messages(request: HttpRequest) -> HttpResponse:
    """What all scripts say, in the language of the page."""
    return render(request, "labeling/script_messages.html")


@require_POST
def theme(request: PageRequest) -> HttpResponse:
    return _kept(request, "theme", chosen(request.POST, "theme", ("auto", *THEMES)), auto="auto")


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Of the pages, in this browser; and of the e-mails of whoever is signed in."""
    code = chosen(request.POST, "language", dict(settings.LANGUAGES))
    if isinstance(request.user, User):
        notices.keep_language(user=request.user, language=code)
    return _kept(request, "language", code)


def _kept(request: HttpRequest, name: str, choice: str, *, auto: str = "") -> HttpResponse:
    """A choice for a year in this browser, and back to the page where it was made; `auto` takes it away."""
    response = HttpResponse(status=204) if wants_json(request) else redirect(page_before(request))
    if choice != auto:
        response.set_cookie(name, choice, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie(name)
    return response
