"""What is answered when something failed: a page for people, problem details for programs, the number of the request
in both. A fault of ours is a 500; a full disk, or a database that is away, is an outage (503) with a sentence.
"""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from common.outages import DATABASE, Outage, outage_of
from common.serving import request_id

log = logging.getLogger(__name__)
SECRETS = ("/accounts/", "/admin/")  # forms that are never shown again: passwords, or large
MOST_SHOWN = 100  # fields


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the error is handled."""
    error = sys.exc_info()[1]
    outage = outage_of(error)
    if outage is not None:
        return _away(request, outage, error)
    number = request_id.current.get()
    if _is_program(request):
        return _problem(500, f"Something of ours failed. The operator's log says more under {number}.")
    return render(request, "500.html", {"number": number, "home": reverse("home")}, status=500)


def _away(request: HttpRequest, outage: Outage, error: BaseException | None) -> HttpResponse:
    log.error("%s: %s", outage.title, (str(error).strip().splitlines() or [type(error).__name__])[0])
    if _is_program(request):
        answer: HttpResponse = _problem(503, outage.detail)
    else:
        facts = {"outage": outage, "number": request_id.current.get(), "home": reverse("home"), "sent": _sent(request)}
        answer = HttpResponse(render_to_string("503.html", facts), status=503)  # no request: it would ask the database
    answer["Retry-After"] = str(outage.after)
    # Whoever made the request may make it again: all of it was taken back, or the same key stores it once.
    answer.nothing_was_stored = outage == DATABASE and (  # type: ignore[attr-defined]
        not getattr(connection, "stored", True) or "idempotency-key" in request.headers
    )
    answer["Cache-Control"] = "no-store"
    answer._has_been_logged = True  # type: ignore[attr-defined]  # one line, above, and no traceback
    return answer


def _sent(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form that was not stored, so that it can be sent again from the page that says so."""
    plain = request.content_type == "application/x-www-form-urlencoded"
    if request.method != "POST" or not plain or request.path_info.startswith(SECRETS):
        return []
    return [(name, str(value)) for name, values in request.POST.lists() for value in values][:MOST_SHOWN]


def _is_program(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/") or request.headers.get("x-requested-with") == "fetch"


def _problem(status: int, detail: str) -> JsonResponse:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JsonResponse(problem, status=status, content_type="application/problem+json")
