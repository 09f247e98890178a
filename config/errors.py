"""What is answered when something of ours failed: a page for people, problem details for programs, the number of the
request in both."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from common.serving import request_id


def server_error(request: HttpRequest) -> HttpResponse:
    number = request_id.current.get()
    if request.path_info.startswith("/api/"):
        detail = f"Something of ours failed. The operator's log says more under {number}."
        problem = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail}
        return JsonResponse(problem, status=500, content_type="application/problem+json")
    return render(request, "500.html", {"number": number, "home": reverse("home")}, status=500)
