"""The outbox, by beat."""

from __future__ import annotations

from celery import shared_task

from webhooks import outbox


@shared_task
def deliver() -> int:
    """Send what is due. The rows are the work: running twice at once is harmless."""
    return outbox.deliver_due()


@shared_task
def tidy() -> int:
    return outbox.forget_old()
