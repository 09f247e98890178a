"""What beat runs for the sampler, and the task that a doorbell is."""

from __future__ import annotations

import contextlib

from celery import shared_task
from django.utils import timezone

from sampler import claims, doorbells, registry
from sampler.doorbells import wake as wake  # where Celery looks for tasks
from sampler.models import ModelVersion, SampleRequest


@shared_task(name="sampler.tasks.ring", ignore_result=True, acks_late=False)
def ring() -> None:
    """Every few seconds: take back expired leases, end what waits for a retired model version, and ring for whatever
    still waits."""
    claims.requeue_expired()
    registry.end_retired()
    waiting = SampleRequest.objects.filter(state=SampleRequest.State.QUEUED).exclude(not_before__gt=timezone.now())
    for slug in waiting.order_by().values_list("model_version__slug", flat=True).distinct():
        doorbells.ring(slug)


@shared_task(name="sampler.tasks.ask_server", ignore_result=True)
def ask_server(slug: str) -> None:
    """Ask a model server what it can do, once its model version is registered on a page."""
    with contextlib.suppress(ValueError):  # the model version is marked as failed, with the reason
        registry.ask_server(model_version=ModelVersion.objects.get(slug=slug))
