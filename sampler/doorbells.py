"""Doorbells: a message to a model version's queue that only says that there may be work. The rows are the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import InconsistencyError, OperationalError

from common import redis_client
from config.celery import app

logger = logging.getLogger(__name__)
listeners: list[Callable[[], None]] = []  # the worker of this process, if there is one


def queue_of(slug: str) -> str:
    return f"sampler.{slug}"


def ring_on_commit(slugs: Iterable[str]) -> None:
    """Wake the workers of these model versions once the transaction is over."""
    for slug in slugs:
        transaction.on_commit(partial(ring, slug))


def ring(slug: str) -> None:
    """Wake a worker of a model version. A bell that cannot be rung costs a delay: workers also look by themselves."""
    if not redis_client.answers(settings.REDIS_URL):
        return
    try:
        wake.apply_async(queue=queue_of(slug), expires=settings.SAMPLER_LEASE_SECONDS, retry=False)
    except InconsistencyError:  # Redis was flushed and forgot the queue; this declares it anew
        with app.connection_for_write() as connection, connection.channel() as channel:
            app.amqp.queues[queue_of(slug)](channel).declare()
    except (OperationalError, OSError) as error:
        logger.warning("doorbell of %s: %s", slug, error)


def tell_ended() -> None:
    """A request that somebody waits for has ended: config names the task that makes something of it, which beat runs
    too."""
    if not settings.SAMPLER_ENDED_TASK or not redis_client.answers(settings.REDIS_URL):
        return
    try:
        app.send_task(settings.SAMPLER_ENDED_TASK, expires=5, retry=False)
    except (InconsistencyError, OperationalError, OSError) as error:
        logger.warning("nobody was told that a request ended: %s", error)


@shared_task(name="sampler.tasks.wake", ignore_result=True, acks_late=False)
def wake() -> None:
    for listener in listeners:
        listener()
