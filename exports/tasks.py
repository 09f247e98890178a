"""What beat and the default worker run. A message is a doorbell; the row of the run is the work."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from common import disk
from common.advisory_lock import try_advisory_lock
from exports import runs


@shared_task
def nightly() -> int:
    """Beat, once a night: a run for every active project. Run twice, it finds the runs of the first."""
    return len(runs.start_night())


@shared_task
def resume() -> int:
    """Beat, every half minute: ring again for what waits or what a killed worker left."""
    return runs.resume()


@shared_task
def run_export(run_id: str) -> str:
    """Write one export; another worker's run, or one that is done, is left alone.

    One at a time: two would share the same disk and database and end no sooner, and the default worker has
    other work that people wait for. Whoever ends rings for those that wait.
    """
    with try_advisory_lock("exports.run") as mine:
        if not mine:
            return "waits for another export"
        outcome = _write(run_id)
    if outcome not in ("failed", "waits for room on the disk"):  # a failed one is tried again at its own pace
        runs.resume()
    return outcome


def _write(run_id: str) -> str:
    if disk.is_full(settings.VAR_DIR):
        return "waits for room on the disk"  # a try now would only be one less
    run = runs.claim(run_id=run_id)
    if run is None:
        return "nothing to do"
    try:
        runs.execute(run=run)
    except runs.LostLease:
        return "went to another worker"
    except Exception:  # the run says why and is put back or ended; the worker goes on
        return "failed"
    return "finished"
