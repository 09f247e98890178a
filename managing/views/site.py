"""Pages of the whole site and a project's own: the list of projects, where one stands, and the search."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import user_of
from common.admin import MANAGER, holds_role
from insights.views import overview
from labeling import goals, projects
from labeling.pages.questions import count_waiting
from labeling.progress import glance_of
from managing import inviting, places
from managing.access import managed, manages, only_reviewers, reviewed, show
from managing.pages import search, start


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every project of mine in a line, with what a manager asks first in the morning."""
    only_reviewers(request)
    archived = [project for project in places.mine(request) if project.archived_at]
    may = holds_role(request, MANAGER)
    return show(
        request,
        "projects",
        title=gettext("Projects"),
        archived=archived,
        manages=may,
        rows=overview(request, {})["rows"],
    )


@never_cache
@require_GET
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """What is left to set up, what there is to rank, and what waits for a reviewer."""
    found = reviewed(request, slug)
    manager = manages(request, found)
    standing = start.standing_of(found)
    if request.headers.get("HX-Request"):
        return show(request, "_standing", found, standing=standing)
    begun = start.set_up_of(found, by=user_of(request)) if manager else start.SetUp([], [])
    open_round = projects.current_round(found)
    return show(
        request, "project", found, title=found.title, lead=found.description, standing=standing, manages=manager,
        steps=begun.steps, left=[step for step in begun.steps if not step.done and not step.optional],
        links=inviting.take(request, found) if manager else [], round=open_round,
        goals=goals.wholes_of(open_round) if open_round else [],
        to_take_back=", ".join(begun.to_take_back),
        figures=glance_of(found, reviewer=user_of(request)), asked=count_waiting(found, user_of(request)),
    )  # fmt: skip


@require_POST
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop handing out work, or begin again; nothing is deleted."""
    found = managed(request, slug)
    archived = "archived" in request.POST
    projects.set_archived(project=found, archived=archived, by=user_of(request))
    told = gettext("%(title)s is active again.")
    if archived:
        told = gettext("%(title)s is archived: nothing more is handed out, and its data stays.")
    messages.success(request, told % {"title": found.title})
    return redirect("managing:project", slug)


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Projects, people and dialogues by a word of theirs, or a sentence that nothing was found."""
    only_reviewers(request)
    asked = " ".join(request.GET.get("q", "").replace("\0", " ").split())[: search.LONGEST]
    found = search.search(request, asked) if asked else None
    return show(request, "search", title=gettext("Search"), q=asked, found=found)
