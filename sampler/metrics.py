"""What a sampler measures of itself, for Prometheus. Counting only: nothing is read back from here but sums."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sampler import status
from sampler.models import SampleRequest

SECONDS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 30, 60, 300)

tokens_total = Counter("duologue_sampler_tokens", "Tokens generated.", ["model"])
failures_total = Counter("duologue_sampler_failures", "Tries that failed.", ["model"])
steps_total = Counter("duologue_sampler_steps", "Steps of the running batch.", ["model"])
running_batch = Gauge("duologue_sampler_running", "Samples in the running batch or waiting in the engine.", ["model"])
tokens_per_second = Gauge("duologue_sampler_tokens_per_second", "Tokens per second over the last steps.", ["model"])
step_seconds = Histogram("duologue_sampler_step_seconds", "Time of one step.", ["model"], buckets=SECONDS)
first_token_seconds = Histogram(
    "duologue_sampler_first_token_seconds", "From the request to its first token.", ["model", "priority"],
    buckets=SECONDS,
)  # fmt: skip
_speed: dict[str, float] = {}


def stepped(model: str, *, seconds: float, tokens: int, running: int) -> None:
    tokens_total.labels(model).inc(tokens)
    steps_total.labels(model).inc()
    step_seconds.labels(model).observe(seconds)
    running_batch.labels(model).set(running)
    if seconds > 0:
        # A moving average: some thirty steps back count for little.
        _speed[model] = 0.9 * _speed.get(model, tokens / seconds) + 0.1 * tokens / seconds
        tokens_per_second.labels(model).set(_speed[model])


def first_token(model: str, *, interactive: bool, seconds: float) -> None:
    first_token_seconds.labels(model, "interactive" if interactive else "background").observe(seconds)


def failed(model: str) -> None:
    failures_total.labels(model).inc()


def summary() -> dict[str, list[tuple[dict[str, str], float]]]:
    """The sums of this process, as a worker reports them with its heartbeat."""
    wanted = ("duologue_sampler_",)
    out: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in REGISTRY.collect():
        if family.name.startswith(wanted):
            for sample in family.samples:
                if not sample.name.endswith(("_created", "_bucket")):
                    out.setdefault(sample.name, []).append((sample.labels, sample.value))
    return out


class QueueCollector(Collector):
    """Depth of the queue by model and priority, read when somebody asks, and what the workers last reported."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily(
            "duologue_sampler_queue", "Requests by model, priority and state.", labels=["model", "priority", "state"]
        )
        rows = (
            SampleRequest.objects.filter(finished_at__isnull=True)
            .values_list("model_version__slug", "priority", "state")
            .annotate(n=Count("pk"))
            .order_by()
        )
        for slug, priority, state, count in rows:
            depth.add_metric([slug, SampleRequest.Priority(priority).name.lower(), state], count)
        yield depth
        workers = status.workers()
        yield GaugeMetricFamily("duologue_sampler_workers", "Workers with a heartbeat.", value=len(workers))
        families: dict[str, GaugeMetricFamily] = {}
        for worker in workers:
            for name, samples in worker.get("metrics", {}).items():
                for labels, value in samples:
                    keys = ["worker", *sorted(labels)]
                    family = families.setdefault(name, GaugeMetricFamily(f"{name}_reported", name, labels=keys))
                    family.add_metric([worker["name"], *(labels[k] for k in sorted(labels))], value)
        yield from families.values()


def web_registry() -> CollectorRegistry:
    """What `/metrics` of the web process shows."""
    registry = CollectorRegistry()
    registry.register(QueueCollector())
    return registry
