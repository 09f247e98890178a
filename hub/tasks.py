"""What beat and the default worker run. A message is a doorbell; the row of the push is the work."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from common.advisory_lock import try_advisory_lock
from hub import pushes


@shared_task
def push(push_id: str) -> str:
    """Send one push; another worker's, or one that is done, is left alone. One at a time: it may take long."""
    with try_advisory_lock("hub.push") as mine:
        if not mine:
            return "waits for another push"
        claimed = pushes.claim(pk=UUID(push_id))
        if claimed is None:
            return "nothing to do"
        try:
            outcome = pushes.execute(push=claimed)
        except pushes.LostLease:
            return "went to another worker"
    if outcome == pushes.State.FINISHED:
        pushes.resume()  # those that waited for this one
    return outcome


@shared_task
def take_back(repository_id: str) -> str:
    """Delete a repository that is to leave."""
    with try_advisory_lock("hub.push") as mine:
        return pushes.delete(pk=int(repository_id)) if mine else "waits for a push"


@shared_task
def resume() -> int:
    """Beat, every half minute: ring again for what waits or what a killed worker left."""
    return pushes.resume()
