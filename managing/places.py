"""Where one can go: the projects of a person, and the pages of the one that was chosen."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

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
PLACES: tuple[tuple[str, str, str, str], ...] = (  # label, route, query, who
    ("Overview", "managing:project", "", REVIEW),
    ("Progress", "insights:progress", "", REVIEW),
    ("Insights", "insights:project", "", REVIEW),
    ("Queue", "admin:labeling_ranking_queue", "in_project", REVIEW),
    ("People", "managing:people", "", MANAGE),
    ("Rounds", "managing:rounds", "", MANAGE),
    ("Guidelines", "managing:guidelines", "", MANAGE),
    ("Prompts", "managing:prompts", "", MANAGE),
    ("Import", "managing:imports", "", MANAGE),
    ("Export", "managing:exports", "", MANAGE),
    ("Settings", "managing:settings", "", MANAGE),
)


def places_of(request: HttpRequest, project: Project) -> list[Place]:
    """The pages of a project that this person may open."""
    manager = is_operator(request) or project.pk in project_ids(request, MANAGER)
    found = []
    for label, route, query, who in PLACES:
        if who == MANAGE and not manager:
            continue
        if address := address_of(route, project, query):
            found.append(Place(label, address, stands_on(request, route)))
    return found


def address_of(route: str, project: Project, query: str = "") -> str:
    """The address of a project's page; empty where this installation has no such page."""
    try:
        return f"{reverse(route)}?{query}={project.slug}" if query else reverse(route, args=[project.slug])
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
