"""Counts and times of this process's requests, by route: what `/metrics` shows of them. Counting only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
registry = CollectorRegistry()
requests_total = Counter(
    "duologue_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
)
request_seconds = Histogram(
    "duologue_http_request_seconds", "From a request's arrival to its answer's begin.", ["route"],
    buckets=SECONDS, registry=registry,
)  # fmt: skip
at_work = Gauge("duologue_http_requests_at_work", "Requests at work or streaming.", registry=registry)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answered(*, method: str, route: str, status: int, seconds: float) -> str:
    """One request; its method's label. Unknown methods and paths that lead nowhere share a label each: strangers make
    no new ones."""
    route = route or "none"
    method = method if method in METHODS else "other"
    requests_total.labels(method, route, str(status)).inc()
    request_seconds.labels(route).observe(seconds)
    return method
