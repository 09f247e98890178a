"""Home: what to do next, work to take up again, own numbers."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from labeling import desk
from labeling.views._shared import PageRequest


@require_GET
def home(request: PageRequest) -> HttpResponse:
    returned = desk.was_returned(request.user)
    context = {
        "here": "home",
        "places": desk.places(request.user),
        "open_work": desk.open_work(request.user),
        "returned": desk.returned(request.user) if returned else [],
        "returned_rankings": desk.returned_rankings(request.user) if returned else [],
        "figures": desk.figures(request.user),
    }
    return render(request, "labeling/home.html", context)
