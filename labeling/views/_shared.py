"""Fetch-and-authorise for every trainer page: who may not see a thing gets 404."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from labeling.models import Assignment, Dialogue, Membership, Project

if TYPE_CHECKING:
    from accounts.models import User

Context = dict[str, object]
UNDONE = "?undone=1"  # the page says that a submission was taken back


class PageRequest(HttpRequest):
    """A signed-in request, with what django-htmx puts on it."""

    user: User
    htmx: HtmxDetails


def active_membership(user: User, project_ref: str) -> Exists:
    return Exists(Membership.objects.filter(project=OuterRef(project_ref), user=user, ended_at__isnull=True))


def own_assignment(request: PageRequest, pk: UUID) -> Assignment:
    rows = Assignment.objects.of(request.user).select_related("comparison__project", "guideline_version")
    rows = rows.defer("guideline_version__text")
    return get_object_or_404(rows.filter(active_membership(request.user, "comparison__project")), pk=pk)


def own_dialogue(request: PageRequest, pk: UUID) -> Dialogue:
    """Own, and of a project that the person still belongs to."""
    rows = Dialogue.objects.filter(author=request.user).select_related(
        "project", "guideline_version", "pending_request"
    )
    return get_object_or_404(rows.filter(active_membership(request.user, "project")), pk=pk)


def visible_project(request: PageRequest, slug: str) -> Project:
    return get_object_or_404(Project.objects.visible_to(request.user), slug=slug)


def reviewed_project(request: PageRequest, slug: str) -> Project:
    return get_object_or_404(Project.objects.reviewed_by(request.user), slug=slug)


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
