"""What the default worker does for labeling; each task may be lost, doubled or killed without harm."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import shared_task

from labeling import candidates, chats, leases, stock
from labeling.quality import hidden

log = logging.getLogger(__name__)
CHORES: tuple[Callable[[], object], ...] = (
    leases.expire_leases,
    chats.store_ended_replies,
    candidates.settle_sampling,
    stock.keep_stock,
    hidden.keep_hidden,
)


@shared_task(name="labeling.tasks.tend", expires=30)
def tend() -> None:
    """Settle what the sampler finished, give back what nobody works on, keep the stock."""
    for chore in CHORES:
        try:
            chore()
        except Exception:  # the others are waited for too
            log.exception("%s.%s broke off", chore.__module__, chore.__name__)


@shared_task(name="labeling.tasks.store_replies", expires=5)
def store_replies() -> None:
    """Twice a second, for programs that wait for a reply; a page asks for its own."""
    chats.store_ended_replies()
