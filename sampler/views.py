"""`/metrics`: Prometheus text, for this machine or whoever holds the token in METRICS_TOKEN."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sampler import metrics


@never_cache
@login_not_required
@require_safe
def metrics_view(request: HttpRequest) -> HttpResponse:
    """Queue depth by model and priority, and what the workers last reported of themselves."""
    if not _allowed(request):
        raise Http404
    return HttpResponse(generate_latest(metrics.web_registry()), content_type=CONTENT_TYPE_LATEST)


def _allowed(request: HttpRequest) -> bool:
    """With a token set only its bearer; without one only this machine, and nobody who came through a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not proxied
