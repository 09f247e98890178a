"""What the default worker does for labeling; each task may be lost, doubled or killed without harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from celery import shared_task

from common.advisory_lock import try_advisory_lock
from labeling import candidates, chats, leases, selection, stock, withdrawal
from labeling.ai_judges import asking, settling
from labeling.imports import runs
from labeling.quality import hidden

log = logging.getLogger(__name__)
CHORES: tuple[Callable[[], object], ...] = (
    leases.expire_leases,
    chats.store_ended_replies,
    candidates.settle_sampling,
    selection.open_chosen,
    stock.keep_stock,
    hidden.keep_hidden,
    settling.settle,
    asking.ask,
    withdrawal.empty_discarded,
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


@shared_task(name="labeling.tasks.run_import")
def run_import(run_id: str) -> str:
    """Read one uploaded file. One at a time, so that processes stay free for what people wait for."""
    with try_advisory_lock("labeling.run_import") as mine:
        if not mine:
            return "waits for another import"
        run = runs.claim(pk=UUID(run_id))
        if run is None:
            return "taken back" if runs.remove(pk=UUID(run_id)) else "nothing to do"
        try:
            runs.execute(run=run)
        except runs.LostLease:
            return "went to another worker"
    runs.resume()  # those that waited for this one
    return str(run.state)


@shared_task(name="labeling.tasks.resume_imports", expires=30)
def resume_imports() -> int:
    """Beat, every half minute: ring again for what waits or what a killed worker left."""
    return runs.resume()
