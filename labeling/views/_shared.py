"""Fetch-and-authorise for every trainer page: who may not see a thing gets 404."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from common.compiled import compiled
from labeling.models import Assignment, Dialogue, Membership, Project
from labeling.pages import outcomes
from labeling.roles import role_in

if TYPE_CHECKING:
    from accounts.models import User

Found = TypeVar("Found")
Context = dict[str, object]
UNDONE = "?undone=1"  # the page says that a submission was taken back


class PageRequest(HttpRequest):
    """A signed-in request, with what django-htmx puts on it."""

    user: User
    htmx: HtmxDetails


def active_membership(user: User, project_ref: str) -> Exists:
    return Exists(_live(user, project_ref))


def works_in(user: User, project_ref: str) -> Exists:
    """As `active_membership`, without guests."""
    return Exists(_live(user, project_ref).filter(role__in=Membership.RANKERS))


def _live(user: User, project_ref: str) -> QuerySet[Membership]:
    return Membership.objects.filter(project=OuterRef(project_ref), user=user, ended_at__isnull=True)


def own_assignment(request: PageRequest, pk: UUID) -> Assignment:
    return one(_assignment(request.user, pk))


@compiled
def _assignment(user: User, pk: UUID) -> QuerySet[Assignment]:
    rows = Assignment.objects.of(user).select_related("comparison__project", "guideline_version")
    rows = rows.defer("guideline_version__text")
    return rows.filter(active_membership(user, "comparison__project"), pk=pk).order_by()


def own_dialogue(request: PageRequest, pk: UUID) -> Dialogue:
    """Own, and of a project that the person still belongs to."""
    return one(_dialogue(request.user, pk))


@compiled
def _dialogue(user: User, pk: UUID) -> QuerySet[Dialogue]:
    rows = Dialogue.objects.filter(author=user).select_related("project", "guideline_version", "pending_request")
    rows = rows.defer("guideline_version__text")
    rows = rows.filter(active_membership(user, "project"), pk=pk).annotate(role=role_in(user, "project"))
    return outcomes.dialogues_with_decisions(rows).order_by()


def one(rows: Sequence[Found]) -> Found:
    """Of a query by a primary key."""
    if not rows:
        raise Http404
    return rows[0]


def visible_project(request: PageRequest, slug: str) -> Project:
    if request.user.is_superuser:
        return get_object_or_404(Project, slug=slug)
    return one(_project_of_member(request.user, slug))


@compiled
def _project_of_member(user: User, slug: str) -> QuerySet[Project]:
    return Project.objects.visible_to(user).filter(slug=slug).order_by()


def trainers_project(request: PageRequest, slug: str) -> Project:
    """As `visible_project`; of what concerns those who judge, which a guest does not see."""
    if request.user.is_superuser:
        return get_object_or_404(Project, slug=slug)
    return one(_project_of_trainer(request.user, slug))


@compiled
def _project_of_trainer(user: User, slug: str) -> QuerySet[Project]:
    live = Membership.objects.filter(user=user, ended_at__isnull=True, role__in=Membership.RANKERS)
    return Project.objects.filter(pk__in=live.values("project"), slug=slug).order_by()


def reviewed_project(request: PageRequest, slug: str) -> Project:
    if request.user.is_superuser:
        return get_object_or_404(Project, slug=slug)
    return one(_project_of_reviewer(request.user, slug))


@compiled
def _project_of_reviewer(user: User, slug: str) -> QuerySet[Project]:
    live = Membership.objects.filter(user=user, ended_at__isnull=True, role__in=Membership.REVIEWERS)
    return Project.objects.filter(pk__in=live.values("project"), slug=slug).order_by()


def go(request: PageRequest, name: str, *args: object, query: str = "") -> HttpResponse:
    """To another page: a redirect, which htmx follows by itself where a fragment of `main` is wanted."""
    return go_to(request, reverse(name, args=args) + query)


def go_to(request: PageRequest, url: str) -> HttpResponse:
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return redirect(url)


def go_to_agree(request: PageRequest, slug: str, then: str, *, after: str = "") -> HttpResponse:
    """To what is read before the task `then`; `after` is the ranking just submitted, which can still be taken back."""
    query = {"then": then, "after": after} if after else {"then": then}
    return go(request, "agree", slug, query=f"?{urlencode(query)}")


def told(sentence: str) -> HttpResponse:
    """To htmx: a refusal in words among the page's notices, which leaves everything else as it is."""
    headers = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
    return HttpResponse(format_html('<div class="notice bad">{}</div>', sentence), status=409, headers=headers)


def wants_json(request: HttpRequest) -> bool:
    """The widgets' own requests say so; everybody else gets a page."""
    return request.headers.get("x-requested-with") == "fetch"


def page(request: PageRequest, template: str, context: Mapping[str, object], *, status: int = 200) -> HttpResponse:
    """The whole page, or only its `main` (`_x.html` beside `x.html`) for htmx."""
    if request.htmx and not request.htmx.history_restore_request:
        folder, _, name = template.rpartition("/")
        template = f"{folder}/_{name}"
    response = render(request, template, dict(context), status=status)
    response["Vary"] = "HX-Request"
    response["Cache-Control"] = "no-store"
    return response
