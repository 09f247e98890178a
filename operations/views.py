"""`/healthz`, `/readyz` and `/metrics`: for whoever watches from outside, without a login. Names of models, no data."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.tokens import GUESSING_TIME, guesses_too_often
from operations import health, metrics


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up and answers; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Everything that work needs is there: 200, else 503; each check with its detail."""
    report = health.report()
    answer = JsonResponse(report, status=200 if report["ready"] else 503)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # a watcher asks often: no line for each "not yet"
    return answer


@never_cache
@login_not_required
@require_safe
def metrics_view(request: HttpRequest) -> HttpResponse:
    """Prometheus text for whoever holds the token in METRICS_TOKEN; as if it were not there for everybody else."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted = settings.METRICS_TOKEN
    if not wanted or not secrets.compare_digest(given.encode(), wanted.encode()):
        if wanted and given and guesses_too_often(request.META.get("REMOTE_ADDR")):
            return HttpResponse(status=429, headers={"Retry-After": str(GUESSING_TIME)})
        raise Http404
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)
