"""Where one can go: the projects of a person, and the pages of the one that was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.translation import gettext_noop

import common.addresses
from accounts.requests import user_of
from common.admin.roles import MANAGER, REVIEWERS, is_operator, project_ids
from common.compiled import compiled
from common.translated import translated
from labeling.models import Membership, Project

if TYPE_CHECKING:
    from accounts.models import User

SWITCHED = 50  # projects that the switcher offers; the others are found by the search


@dataclass(frozen=True)
class Place:
    """A page of a project, and whether the reader is there."""

    label: str
    address: str
    here: bool


@dataclass(frozen=True)
class Group:
    """Places that stand together: behind a menu of that label, or in the row itself where it has none."""

    label: str
    places: list[Place]

    @property
    def here(self) -> Place | None:
        """The one of them where the reader is."""
        return next((place for place in self.places if place.here), None)


REVIEW, MANAGE = "review", "manage"
DAILY, TEAM, SET_UP, DATA = "", gettext_noop("Team"), gettext_noop("Set up"), gettext_noop("Data")
PLACES: tuple[tuple[str, str, str, str], ...] = (  # group, label, route, who
    (DAILY, gettext_noop("Overview"), "managing:project", REVIEW),
    (DAILY, gettext_noop("Progress"), "insights:progress", REVIEW),
    (DAILY, gettext_noop("Insights"), "insights:project", REVIEW),
    (DAILY, gettext_noop("Queue"), "review-queue", REVIEW),
    (TEAM, gettext_noop("People"), "managing:people", MANAGE),
    (TEAM, gettext_noop("Questions"), "managing:questions", REVIEW),
    (TEAM, gettext_noop("Feedback"), "managing:feedback", REVIEW),
    (TEAM, gettext_noop("Time"), "managing:time", MANAGE),
    (SET_UP, gettext_noop("Guidelines"), "managing:guidelines", MANAGE),
    (SET_UP, gettext_noop("Prompts"), "managing:prompts", MANAGE),
    (SET_UP, gettext_noop("Rounds"), "managing:rounds", MANAGE),
    (SET_UP, gettext_noop("AI judges"), "managing:ai-judges", MANAGE),
    (SET_UP, gettext_noop("Red team"), "managing:red-team", MANAGE),
    (SET_UP, gettext_noop("Terms"), "managing:terms", MANAGE),
    (SET_UP, gettext_noop("Content warning"), "managing:warning", MANAGE),
    (SET_UP, gettext_noop("Content filter"), "filter-thresholds", MANAGE),
    (SET_UP, gettext_noop("Settings"), "managing:settings", MANAGE),
    (DATA, gettext_noop("Import"), "managing:imports", MANAGE),
    (DATA, gettext_noop("Export"), "managing:exports", MANAGE),
)
IN_A_ROW = 7  # places that need no menus: what a reviewer has
BELOW = {  # pages of a place whose routes are not named after it
    "insights:project": ("insights:rounds", "insights:filter", "insights:red-team", "insights:loop"),
}


def places_of(request: HttpRequest, project: Project) -> list[Group]:
    """The pages of a project that this person may open, in the groups in which they are offered."""
    manager = is_operator(request) or project.pk in project_ids(request, MANAGER)
    found: dict[str, list[Place]] = {}
    for group, label, route, who in PLACES:
        if (manager or who == REVIEW) and (address := address_of(route, project)):
            found.setdefault(group, []).append(Place(translated(label), address, stands_on(request, route)))
    if sum(map(len, found.values())) <= IN_A_ROW:
        found = {DAILY: [place for places in found.values() for place in places]}
    return [Group(translated(label), places) for label, places in found.items()]


def address_of(route: str, project: Project) -> str:
    """The address of a project's page; empty where this installation has no such page."""
    try:
        return common.addresses.address_of(route, project.slug)
    except NoReverseMatch:
        return ""


def stands_on(request: HttpRequest, route: str) -> bool:
    """Whether the page is this place's or one of those below it, whose routes mostly begin with its name."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name == route or name.startswith(f"{route}-") or name in BELOW.get(route, ())


def mine(request: HttpRequest) -> list[Project]:
    """The person's projects by title, archived ones last; read once a request."""
    found: list[Project] | None = getattr(request, "_managed_projects", None)
    if found is None:
        rows = _every() if is_operator(request) else _reviewed_by(user_of(request))
        found = sorted(rows, key=lambda project: (bool(project.archived_at), project.title))
        request._managed_projects = found  # type: ignore[attr-defined]
    return found


@compiled
def _every() -> QuerySet[Project]:
    return Project.objects.only("slug", "title", "archived_at").order_by("archived_at", "title")[:SWITCHED]


@compiled
def _reviewed_by(user: User) -> QuerySet[Project]:
    live = Membership.objects.filter(user=user, ended_at__isnull=True, role__in=REVIEWERS)
    rows = Project.objects.filter(pk__in=live.order_by().values("project"))
    return rows.only("slug", "title", "archived_at").order_by("archived_at", "title")[:SWITCHED]
