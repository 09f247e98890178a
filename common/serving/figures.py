"""Counts and times of requests, by route: what `/metrics` shows of them. Counting only.

Where `bin/start` has several web processes answer, each sees what all have counted: a scraper meets any of them.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
registry = CollectorRegistry()
requests_total = Counter(
    "duologue_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
)
request_seconds = Histogram(
    "duologue_http_request_seconds", "From a request's arrival to its answer's begin.", ["route"],
    buckets=SECONDS, registry=registry,
)  # fmt: skip
at_work = Gauge(
    "duologue_http_requests_at_work", "Requests at work or streaming.", registry=registry, multiprocess_mode="livesum"
)
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # of prometheus_client: a folder in which several processes count together
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answered(*, method: str, route: str, status: int, seconds: float) -> str:
    """One request; its method's label. Unknown methods and paths that lead nowhere share a label each: strangers make
    no new ones."""
    route = route or "none"
    method = method if method in METHODS else "other"
    requests_total.labels(method, route, str(status)).inc()
    request_seconds.labels(route).observe(seconds)
    return method


def text() -> bytes:
    """Of this process, or of all that count in one folder."""
    if not os.environ.get(SHARED):
        return generate_latest(registry)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
