"""Which worker has which request, and until when. The row is the work; a message is only a doorbell.

A request is claimed under a lease; `attempts` is the fencing token that every later write of that
try carries (`sampler/results.py`), so that a worker which lost its lease updates 0 rows. No transaction
is held while text is generated.

A request can fall for three reasons, kept apart: it failed by itself (`strikes`, bounded), its
worker died or broke while it ran with others (`losses`; who did it is not known, so from the second
loss on it is run alone, and dying alone is a strike), or it was handed back (neither).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from common.transitions import advance
from sampler.models import SampleRequest
from sampler.results import fail, later, requeue

State = SampleRequest.State
TABLE = SampleRequest.TRANSITIONS
LOSSES_IN_COMPANY = 2  # after so many, a request runs alone


def claim(
    *,
    worker: str,
    model_version_ids: Sequence[UUID],
    room: int,
    interactive: bool | None = None,
    empty: bool = True,
    limit: int = 64,
) -> list[SampleRequest]:
    """Take waiting requests, interactive ones first and older before newer, until `room` samples are taken.

    The last one taken may overhang the room; an engine keeps the rest of its samples waiting. A
    request to be run alone is taken only into an empty engine, with no other; while one waits at
    the head and the engine is not `empty`, nothing is taken, so that its turn comes.
    """
    if room <= 0:
        return []
    now = timezone.now()
    waiting = SampleRequest.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now),
        state=State.QUEUED,
        model_version_id__in=model_version_ids,
    )
    if interactive is not None:
        waiting = waiting.filter(
            **{"priority__lt" if interactive else "priority__gte": SampleRequest.Priority.BACKGROUND}
        )
    with transaction.atomic():
        first = waiting.order_by("priority", "created_at").select_for_update(skip_locked=True, of=("self",))
        taken = _fitting(list(first[: min(room, limit)]), room, empty)
        _take(taken, worker, now)
    for row in taken:
        row.state, row.worker, row.attempts, row.started_at = State.RUNNING, worker, row.attempts + 1, now
    return taken


def _take(rows: Sequence[SampleRequest], worker: str, now: dt.datetime) -> None:
    """Lease these rows, which the transaction has locked, to the worker."""
    lease = Now() + dt.timedelta(seconds=settings.SAMPLER_LEASE_SECONDS)
    for row in rows:
        row.alone = row.losses >= LOSSES_IN_COMPANY
    for alone in (False, True):
        ids = [row.pk for row in rows if row.alone is alone]
        if ids:
            advance(
                SampleRequest.objects.filter(pk__in=ids), to=State.RUNNING, table=TABLE, worker=worker,
                lease_expires_at=lease, attempts=F("attempts") + 1, alone=alone, started_at=now,
                first_token_at=None, not_before=None,
            )  # fmt: skip


def _fitting(rows: list[SampleRequest], room: int, empty: bool) -> list[SampleRequest]:
    taken: list[SampleRequest] = []
    for row in rows:
        if row.losses >= LOSSES_IN_COMPANY:
            return [row] if empty and not taken else taken
        if room <= 0:
            break
        taken.append(row)
        room -= row.n
    return taken


def heartbeat(*, worker: str, request_ids: Sequence[UUID]) -> set[UUID]:
    """Extend the leases that this worker holds; returns the requests that it still holds."""
    mine = SampleRequest.objects.filter(pk__in=list(request_ids), worker=worker, state=State.RUNNING)
    mine.update(lease_expires_at=Now() + dt.timedelta(seconds=settings.SAMPLER_LEASE_SECONDS))
    return set(mine.values_list("pk", flat=True))


def to_cancel(*, request_ids: Collection[UUID]) -> set[UUID]:
    """Those of a worker's requests that somebody stopped; some are ended already, and their texts are for nobody."""
    rows = SampleRequest.objects.filter(pk__in=request_ids, cancel_requested=True)
    return set(rows.values_list("pk", flat=True))


def requeue_expired() -> int:
    """Take back requests whose worker let the lease run out; end those that were stopped or died alone too often."""
    expired = SampleRequest.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now())
    return sum(_take_back(expired.filter(pk=pk)) for pk in expired.order_by("pk").values_list("pk", flat=True)[:500])


@transaction.atomic
def _take_back(still: QuerySet[SampleRequest]) -> int:
    """Under its lock: it may be stopped just now, or its worker come back."""
    row = still.select_for_update(no_key=True).first()
    if row is None:
        return 0
    if row.cancel_requested:
        return advance(
            still, to=State.CANCELLED, table=TABLE, worker="", lease_expires_at=None, finished_at=timezone.now()
        )
    if not row.alone:
        return requeue(
            still, losses=F("losses") + 1, error="The worker that ran it was lost.", not_before=later(row.losses)
        )
    return fail(request_id=row.pk, attempt=row.attempts, reason="The worker died while it ran this alone.")
