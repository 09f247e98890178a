"""What the ranking page's script sends while its trainer works: the draft, and that somebody is there."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from labeling import assignments
from labeling.errors import Conflict, Gone, LabelingError
from labeling.pages.forms import number
from labeling.pages.ranking_form import RankingForm
from labeling.views._shared import PageRequest, own_assignment, wants_json
from labeling.views.ranking import again


@require_POST
def draft(request: PageRequest, pk: UUID) -> HttpResponse:
    """Keep unfinished work; 409 where another tab saved since. Without scripts: the button "Save for later"."""
    assignment = own_assignment(request, pk)
    if request.POST.get("peek"):
        return JsonResponse({"version": assignment.draft_version})
    form = RankingForm.from_post(request.POST, assignment.order_shown)
    version = number(request.POST.get("draft_version"))
    try:
        kept = assignments.save_draft(assignment=assignment, draft=form.draft(), expected_version=version)
    except LabelingError as error:
        status = 409 if isinstance(error, Conflict) else 410 if isinstance(error, Gone) else 422
        if not wants_json(request):
            return again(request, assignment, form, errors=[str(error)], status=status)
        version = error.version if isinstance(error, Conflict) else None
        return JsonResponse({"error": str(error), "version": version}, status=status)
    if wants_json(request):
        return JsonResponse({"version": kept, "at": f"{timezone.localtime():%H:%M:%S}"})
    return redirect("home")


@require_POST
def heartbeat(request: PageRequest, pk: UUID) -> HttpResponse:
    assignment = own_assignment(request, pk)
    try:
        kept = assignments.heartbeat(assignment=assignment, seconds=number(request.POST.get("seconds")) or 0)
    except Gone as error:
        return JsonResponse({"error": str(error)}, status=410)
    return JsonResponse({"expires_at": kept.expires_at.isoformat()})
