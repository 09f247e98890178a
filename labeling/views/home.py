"""Home: what to do next, work to take up again, own numbers."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from labeling.models import Membership
from labeling.pages import home as home_page
from labeling.pages.figures import figures
from labeling.quality import exams
from labeling.views._shared import PageRequest


@require_GET
def home(request: PageRequest) -> HttpResponse:
    returned = home_page.was_returned(request.user)
    places = home_page.places(request.user)
    context = {
        "here": "home",
        "places": places,
        "only_guest": all(place.role == Membership.Role.GUEST for place in places) and bool(places),
        "shares": home_page.shares(request.user, places),
        "practice": exams.with_practice(place.project for place in places if place.role != Membership.Role.GUEST),
        "to_review": home_page.to_review(request.user, places),
        "open_work": home_page.open_work(request.user),
        "returned": home_page.returned(request.user) if returned else [],
        "returned_rankings": home_page.returned_rankings(request.user) if returned else [],
        "figures": figures(request.user, by_project=any(place.project.daily_goal for place in places)),
    }
    return render(request, "labeling/home.html", context)
