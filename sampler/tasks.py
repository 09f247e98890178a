"""Doorbells. The rows are the work; a message only says that there may be some."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import InconsistencyError, OperationalError

from config.celery import app
from sampler import sampling
from sampler.models import SampleRequest

logger = logging.getLogger(__name__)
listeners: list[Callable[[], None]] = []  # the worker of this process, if there is one


def queue_of(slug: str) -> str:
    return f"sampler.{slug}"


def ring_doorbell(slug: str) -> None:
    """Wake a worker of a model version. A bell that cannot be rung costs a delay: workers also look by themselves."""
    try:
        wake.apply_async(queue=queue_of(slug), expires=settings.SAMPLER_LEASE_SECONDS, retry=False)
    except InconsistencyError:  # Redis was flushed and forgot the queue; this declares it anew
        with app.connection_for_write() as connection, connection.channel() as channel:
            app.amqp.queues[queue_of(slug)](channel).declare()
    except (OperationalError, OSError) as error:
        logger.warning("doorbell of %s: %s", slug, error)


@shared_task(name="sampler.tasks.wake", ignore_result=True, acks_late=False)
def wake() -> None:
    for listener in listeners:
        listener()


@shared_task(name="sampler.tasks.ring", ignore_result=True, acks_late=False)
def ring() -> None:
    """Every few seconds: take back expired leases, and ring for whatever still waits."""
    sampling.requeue_expired()
    waiting = SampleRequest.objects.filter(state=SampleRequest.State.QUEUED).exclude(not_before__gt=timezone.now())
    for slug in waiting.order_by().values_list("model_version__slug", flat=True).distinct():
        ring_doorbell(slug)
