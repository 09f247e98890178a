"""What beat runs for the sampler, and the task that a doorbell is."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from sampler import claims, doorbells
from sampler.doorbells import wake as wake  # where Celery looks for tasks
from sampler.models import SampleRequest


@shared_task(name="sampler.tasks.ring", ignore_result=True, acks_late=False)
def ring() -> None:
    """Every few seconds: take back expired leases, and ring for whatever still waits."""
    claims.requeue_expired()
    waiting = SampleRequest.objects.filter(state=SampleRequest.State.QUEUED).exclude(not_before__gt=timezone.now())
    for slug in waiting.order_by().values_list("model_version__slug", flat=True).distinct():
        doorbells.ring(slug)
