"""The page of a project's thresholds: off, warn or block by category, with a preview before anything is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from common import redis_client
from labeling.models import Project
from labeling.views._shared import Context, PageRequest
from moderation import rejudging
from moderation.models import Threshold
from moderation.rejudging import Preview
from screening.rules import Limits, plan_for, set_threshold

SHOWN = 20  # of the earlier versions


@dataclass(frozen=True)
class Line:
    """One category in the form: two fields, each empty for never."""

    category: str
    field: str
    warn_at: str
    block_at: str
    error: str = ""


@dataclass(frozen=True)
class Part:
    """One filter of the project."""

    filter: str
    lines: list[Line]
    preview: Preview | None = None


@require_http_methods(["GET", "POST"])
def thresholds(request: PageRequest, slug: str) -> HttpResponse:
    project = get_object_or_404(Project.objects.managed_by(request.user), slug=slug)
    parts, limits = _parts(project, request.POST if request.method == "POST" else None)
    if request.method == "POST" and all(not line.error for part in parts for line in part.lines):
        if request.POST.get("do") == "set":
            _set(request, project, limits)
            return redirect("filter-thresholds", slug)
        parts = [Part(part.filter, part.lines, _previewed(project, part, limits)) for part in parts]
    context: Context = {
        "title": gettext("Thresholds of the content filter"),
        "project": project,
        "parts": parts,
        "tried": any(part.preview for part in parts),
        "previewed": rejudging.PREVIEWED,
        "waits": rejudging.waiting(project).exists(),
        "versions": Threshold.objects.filter(project=project).order_by("-created_at")[:SHOWN],
    }
    refused = request.method == "POST" and any(line.error for part in parts for line in part.lines)
    response = render(request, "moderation/thresholds.html", context, status=422 if refused else 200)
    response["Cache-Control"] = "no-store"
    return response


def _previewed(project: Project, part: Part, limits: Mapping[str, Limits]) -> Preview:
    return rejudging.preview(project, part.filter, limits[part.filter])


def _parts(project: Project, posted: Mapping[str, str] | None) -> tuple[list[Part], dict[str, Limits]]:
    """The form as it stands or as it was sent, and what it says."""
    parts, limits = [], {}
    for rule in plan_for(project.pk).rules:
        lines, limits[rule.filter] = [], dict(rule.limits)
        for category, now in sorted(rule.limits.items()):
            field = f"{rule.filter}:{category}"
            if posted is None:
                lines.append(Line(category, field, *("" if limit is None else f"{limit:g}" for limit in now)))
                continue
            warn_at, block_at = (posted.get(f"{field}:{name}", "").strip() for name in ("warn", "block"))
            said, error = _read(warn_at, block_at)
            lines.append(Line(category, field, warn_at, block_at, error))
            limits[rule.filter][category] = said
        parts.append(Part(rule.filter, lines))
    return parts, limits


def _read(warn_at: str, block_at: str) -> tuple[tuple[float | None, float | None], str]:
    """The two numbers, or what is wrong with them."""
    try:
        warn, block = (float(text.replace(",", ".")) if text else None for text in (warn_at, block_at))
    except ValueError:
        return (None, None), gettext("A threshold is a number from 0 to 1, or empty.")
    if any(limit is not None and not 0 <= limit <= 1 for limit in (warn, block)):
        return (None, None), gettext("A threshold is a number from 0 to 1, or empty.")
    if warn is not None and block is not None and block < warn:
        return (None, None), gettext("Blocking begins at or above the warning.")
    return (warn, block), ""


@transaction.atomic
def _set(request: PageRequest, project: Project, limits: Mapping[str, Limits]) -> None:
    """A new version of each that changed; a worker judges the verdicts on record anew."""
    from moderation.tasks import rejudge

    changed = [
        (rule.filter, category, said)
        for rule in plan_for(project.pk).rules
        for category, said in limits[rule.filter].items()
        if said != rule.limits[category]
    ]
    for name, category, (warn_at, block_at) in changed:
        set_threshold(project=project.pk, filter=name, category=category, warn_at=warn_at, block_at=block_at)
    if not changed:
        messages.success(request, gettext("Nothing was changed."))
        return
    fields = [f"{name}: {category}" for name, category, _ in changed]
    record(actor=request.user, action="moderation.thresholds", obj=project, fields=fields)
    redis_client.send_on_commit(rejudge.delay, str(project.pk))
    told = gettext("The new thresholds count from now on. Texts judged before are judged anew by their stored scores.")
    messages.success(request, told)
