"""The outbox, by beat."""

from __future__ import annotations

from celery import shared_task

from common.advisory_lock import try_advisory_lock
from webhooks import outbox


@shared_task(expires=10)
def deliver() -> int:
    """Send what is due. The rows are the work: running twice at once would be harmless, but slow receivers
    must not take all processes of the default worker."""
    with try_advisory_lock("webhooks.deliver") as mine:
        return outbox.deliver_due() if mine else 0


@shared_task
def tidy() -> int:
    return outbox.forget_old()
