"""The bar of the manager's site: the switcher between projects, and the places of the one that was chosen; and small
parts of its pages."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from common.admin.roles import MANAGER, holds_role, is_operator
from labeling.models import Membership, Project
from managing import places

register = template.Library()
SELECTED = {True: mark_safe(" selected"), False: ""}


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


@register.simple_tag
def role_options(held: str) -> SafeString:
    """A member's choice of roles, the one that is held selected."""
    return _role_options(get_language(), held)


@lru_cache(maxsize=64)
def _role_options(_language: str, held: str) -> SafeString:
    roles = [*Membership.Role.choices, ("", gettext("No access"))]
    option = '<option value="{}"{}>{}</option>'
    return format_html_join("", option, ((role, SELECTED[role == held], name) for role, name in roles))


@register.filter
def percent(value: float) -> str:
    """A share as a percentage: whole, but for small ones."""
    return f"{value:.1%}" if 0 < value < 0.1 else f"{value:.0%}"
