"""The bar of the manager's site: the switcher between projects, and the places of the one that was chosen."""

from __future__ import annotations

from django import template
from django.http import HttpRequest
from django.template import Context

from common.admin.roles import MANAGER, holds_role, is_operator
from labeling.models import Project
from managing import places

register = template.Library()


def _chosen(context: Context, request: HttpRequest) -> Project | None:
    """The page's project; pages of the whole site that are narrowed to one name it in their address."""
    project = context.get("project")
    if isinstance(project, Project):
        return project
    slug = request.GET.get("in_project", "")
    return next((one for one in places.mine(request) if one.slug == slug), None) if slug else None


@register.inclusion_tag("managing/_switcher.html", takes_context=True)
def switcher(context: Context) -> dict[str, object]:
    request: HttpRequest = context["request"]
    return {
        "chosen": _chosen(context, request),
        "projects": places.mine(request),
        "manages": holds_role(request, MANAGER),
    }


@register.inclusion_tag("managing/_places.html", takes_context=True)
def places_bar(context: Context) -> dict[str, object]:
    request: HttpRequest = context["request"]
    project = _chosen(context, request)
    return {
        "project": project,
        "groups": places.places_of(request, project) if project is not None else [],
        "operator": is_operator(request),
        "manages": holds_role(request, MANAGER),
        "here": request.resolver_match.view_name if request.resolver_match else "",
        "q": request.GET.get("q", ""),
    }


@register.filter
def percent(value: float) -> str:
    """A share as a percentage: whole, but for small ones."""
    return f"{value:.1%}" if 0 < value < 0.1 else f"{value:.0%}"
