"""What `/metrics` shows of the whole beside the sampler's own: read from the database, Redis and the disk when somebody
asks. Each part that cannot be read is left out and said by `duologue_up`."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator

import redis
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common import disk as disks
from common.serving import figures
from exports.models import ExportRun
from labeling.models import Assignment, Comparison, Dialogue, ImportRun
from operations import rehearsal, worker_heartbeat
from sampler import metrics as sampler
from sampler.models import SampleRequest
from webhooks.models import Delivery

log = logging.getLogger(__name__)
Families = Iterator[GaugeMetricFamily]


class Whole(Collector):
    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Families:
        up = GaugeMetricFamily("duologue_up", "Whether this part could be read.", labels=["part"])
        for part, read in PARTS.items():
            try:
                yield from list(read())
            except (DatabaseError, redis.RedisError, OSError) as error:
                log.warning("metrics of %s cannot be read: %s", part, str(error).splitlines()[0])
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
        yield up


def queues() -> Families:
    """How long the oldest waits: for a completion by model, for a beat task to settle it, for a webhook to be sent."""
    age = GaugeMetricFamily("duologue_queue_oldest_seconds", "Age of the oldest that waits.", labels=["queue"])
    waiting = SampleRequest.objects.filter(state=SampleRequest.State.QUEUED).order_by()
    for slug, since in waiting.values_list("model_version__slug").annotate(since=Min("created_at")):
        age.add_metric([f"sample:{slug}"], _age(since))
    ended = Q(pending_request__state__in=[SampleRequest.State.DONE, SampleRequest.State.CANCELLED])
    replies = Dialogue.objects.drafts().filter(ended).aggregate(since=Min("pending_request__finished_at"))
    age.add_metric(["replies to settle"], _age(replies["since"]))
    due = Delivery.objects.filter(state=Delivery.State.PENDING, next_try_at__lte=timezone.now())
    age.add_metric(["webhooks"], _age(due.aggregate(since=Min("next_try_at"))["since"]))
    exports = ExportRun.objects.filter(state=ExportRun.State.QUEUED)
    age.add_metric(["exports"], _age(exports.aggregate(since=Min("created_at"))["since"]))
    imports = ImportRun.objects.filter(state=ImportRun.State.QUEUED)
    age.add_metric(["imports"], _age(imports.aggregate(since=Min("created_at"))["since"]))
    yield age


def labeling() -> Families:
    leases = GaugeMetricFamily("duologue_leases", "Leases held, and those past their expiry.", labels=["state"])
    held = Assignment.objects.filter(state=Assignment.State.LEASED)
    overdue = held.filter(expires_at__lt=timezone.now()).count()
    leases.add_metric(["held"], held.count() - overdue)
    leases.add_metric(["overdue"], overdue)
    yield leases
    ready = GaugeMetricFamily("duologue_comparisons", "Comparisons not closed.", labels=["state"])
    states = (Comparison.State.SAMPLING, Comparison.State.OPEN)
    waiting = Comparison.objects.filter(state__in=states)
    counted = waiting.filter(held_at__isnull=True).order_by().values_list("state").annotate(Count("pk"))
    for state, count in counted:
        ready.add_metric([state], count)
    if to_be_chosen := waiting.filter(state=Comparison.State.SAMPLING, held_at__isnull=False).count():
        ready.add_metric(["held"], to_be_chosen)  # until a reward model chooses them
    yield ready


def exports() -> Families:
    runs = GaugeMetricFamily("duologue_exports", "Exports by outcome.", labels=["state"])
    for state, count in ExportRun.objects.order_by().values_list("state").annotate(Count("pk")):
        runs.add_metric([state], count)
    yield runs
    last = ExportRun.objects.aggregate(
        finished=Max("finished_at", filter=Q(state=ExportRun.State.FINISHED)),
        failed=Max("finished_at", filter=Q(state=ExportRun.State.FAILED)),
    )
    at = GaugeMetricFamily("duologue_export_last_timestamp_seconds", "When the last one ended.", labels=["state"])
    for state, when in last.items():
        if when is not None:
            at.add_metric([state], when.timestamp())
    yield at


def webhooks() -> Families:
    sent = GaugeMetricFamily("duologue_webhook_deliveries", "Deliveries by outcome.", labels=["state"])
    for state, count in Delivery.objects.order_by().values_list("state").annotate(Count("pk")):
        sent.add_metric([state], count)
    yield sent


def workers() -> Families:
    yield GaugeMetricFamily(
        "duologue_default_workers", "Default workers with a sign of life.", value=len(worker_heartbeat.workers())
    )


def disk() -> Families:
    room = disks.room(settings.VAR_DIR, settings.DISK_LOW)
    yield GaugeMetricFamily("duologue_disk_free_bytes", "Free where the var folder is.", value=room.free)
    yield GaugeMetricFamily("duologue_disk_size_bytes", "Size of that disk.", value=room.total)
    low = "Whether less is free than DUOLOGUE_DISK_LOW."
    yield GaugeMetricFamily("duologue_disk_low", low, value=int(room.is_low))


def backups() -> Families:
    """Of the scheduled ones, where this process can read their folder."""
    at = GaugeMetricFamily("duologue_backup_last_timestamp_seconds", "When the last one was.", labels=["kind"])
    for kind, when in rehearsal.last_times().items():
        at.add_metric([kind], when)
    yield at


PARTS: dict[str, Callable[[], Families]] = {
    "queues": queues,
    "labeling": labeling,
    "exports": exports,
    "webhooks": webhooks,
    "workers": workers,
    "disk": disk,
    "backups": backups,
}


def _age(since: object) -> float:
    return max(0.0, (timezone.now() - since).total_seconds()) if isinstance(since, dt.datetime) else 0.0


def text() -> bytes:
    """Everything: of the web processes' requests, of the whole, of the samplers."""
    reading = CollectorRegistry()
    reading.register(Whole())
    return figures.text() + generate_latest(reading) + generate_latest(sampler.web_registry())
