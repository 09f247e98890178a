"""Where one can go: the projects of a person, and the pages of the one that was chosen."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, gettext_noop

from common.admin.roles import MANAGER, REVIEWERS, is_operator, project_ids, within
from labeling.models import Project

SWITCHED = 50  # projects that the switcher offers; the others are found by the search


@dataclass(frozen=True)
class Place:
    """A page of a project, and whether the reader is there."""

    label: str
    address: str
    here: bool


REVIEW, MANAGE = "review", "manage"
PLACES: tuple[tuple[str, str, str], ...] = (  # label, route, who
    (gettext_noop("Overview"), "managing:project", REVIEW),
    (gettext_noop("Progress"), "insights:progress", REVIEW),
    (gettext_noop("Insights"), "insights:project", REVIEW),
    (gettext_noop("Queue"), "review-queue", REVIEW),
    (gettext_noop("Questions"), "managing:questions", REVIEW),
    (gettext_noop("Feedback"), "managing:feedback", REVIEW),
    (gettext_noop("People"), "managing:people", MANAGE),
    (gettext_noop("Rounds"), "managing:rounds", MANAGE),
    (gettext_noop("Guidelines"), "managing:guidelines", MANAGE),
    (gettext_noop("Terms"), "managing:terms", MANAGE),
    (gettext_noop("Content warning"), "managing:warning", MANAGE),
    (gettext_noop("Prompts"), "managing:prompts", MANAGE),
    (gettext_noop("AI judges"), "managing:ai-judges", MANAGE),
    (gettext_noop("Red team"), "managing:red-team", MANAGE),
    (gettext_noop("Import"), "managing:imports", MANAGE),
    (gettext_noop("Export"), "managing:exports", MANAGE),
    (gettext_noop("Content filter"), "filter-thresholds", MANAGE),
    (gettext_noop("Time"), "managing:time", MANAGE),
    (gettext_noop("Settings"), "managing:settings", MANAGE),
)


def places_of(request: HttpRequest, project: Project) -> list[Place]:
    """The pages of a project that this person may open."""
    manager = is_operator(request) or project.pk in project_ids(request, MANAGER)
    found = []
    for label, route, who in PLACES:
        if who == MANAGE and not manager:
            continue
        if address := address_of(route, project):
            found.append(Place(gettext(label), address, stands_on(request, route)))
    return found


def address_of(route: str, project: Project) -> str:
    """The address of a project's page; empty where this installation has no such page."""
    try:
        return reverse(route, args=[project.slug])
    except NoReverseMatch:
        return ""


def stands_on(request: HttpRequest, route: str) -> bool:
    """Whether the page is this place's or one of those below it, whose routes begin with its name."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name == route or name.startswith(f"{route}-")


def mine(request: HttpRequest) -> list[Project]:
    """The person's projects by title, archived ones last; read once a request."""
    found: list[Project] | None = getattr(request, "_managed_projects", None)
    if found is None:
        rows = within(REVIEWERS, request, Project.objects.all(), "pk").only("slug", "title", "archived_at")
        found = sorted(rows.order_by("archived_at", "title")[:SWITCHED], key=lambda p: (bool(p.archived_at), p.title))
        request._managed_projects = found  # type: ignore[attr-defined]
    return found
