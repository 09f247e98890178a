"""Every write to sample requests and completions. The row is the work; a message is only a doorbell.

A request is claimed under a lease; `attempts` is the fencing token that every later write of that
try carries, so that a worker which lost its lease updates 0 rows. No transaction is held while text
is generated. Writes to model versions are in `sampler/registry.py`.

A request can fall for three reasons, kept apart: it failed by itself (`strikes`, bounded), its
worker died or broke while it ran with others (`losses`; who did it is not known, so from the second
loss on it is run alone, and dying alone is a strike), or it was handed back (neither).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from common.transitions import advance
from sampler.models import Completion, ModelVersion, SampleRequest
from sampler.params import Drawn, SamplingParams
from sampler.prompts import storable
from sampler.registry import register_model, retire

__all__ = [
    "Drawn", "abandon", "cancel", "claim", "complete", "fail", "fail_waiting", "give_back", "heartbeat", "provide",
    "register_model", "request_completions", "requeue_expired", "retire", "warm_up",
]  # fmt: skip

logger = logging.getLogger(__name__)
State = SampleRequest.State
TABLE = SampleRequest.TRANSITIONS
ROLES = {"system", "user", "assistant", "tool"}
LOSSES_IN_COMPANY = 2  # after so many, a request runs alone


def request_completions(
    *,
    model_version: ModelVersion,
    prompt: Sequence[dict[str, str]],
    n: int = 1,
    params: SamplingParams | dict[str, Any] | None = None,
    purpose: str = SampleRequest.Purpose.OTHER,
    priority: int = SampleRequest.Priority.BACKGROUND,
    writes: str = SampleRequest.Writes.ASSISTANT,
) -> SampleRequest:
    """Ask for n completions of a prompt. The doorbell rings when the transaction commits.

    Parameters not given are the model version's own.

    Raises:
        ValueError: the model version takes no requests, or the prompt or a parameter is wrong.
    """
    if model_version.state == ModelVersion.State.RETIRED:
        raise ValueError(f"{model_version.slug} is retired and takes no new requests.")
    if model_version.role != ModelVersion.Role.POLICY:
        raise ValueError(f"{model_version.slug} is a reward model: it scores text and writes none.")
    given = params.to_dict() if isinstance(params, SamplingParams) else dict(params or {})
    used = SamplingParams.from_dict({**model_version.default_params, **given, "n": n})
    row = SampleRequest.objects.create(
        model_version=model_version,
        prompt=_snapshot(prompt),
        n=n,
        params=used.to_dict(),
        purpose=purpose,
        priority=priority,
        writes=writes,
    )
    ring_on_commit([model_version.slug])
    return row


def warm_up(*, model_version: ModelVersion) -> SampleRequest:
    """Make a worker load the model version now, by asking it for one token."""
    return request_completions(
        model_version=model_version,
        prompt=[{"role": "user", "content": "Hello."}],
        params={"max_tokens": 1},
        priority=SampleRequest.Priority.INTERACTIVE,
    )


def _snapshot(prompt: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    messages = [{"role": m["role"], "content": m["content"]} for m in prompt]
    for message in messages:
        if message["role"] not in ROLES or not isinstance(message["content"], str):
            raise ValueError("A prompt is a list of messages with a role (system, user, assistant) and text.")
    return messages


def ring_on_commit(slugs: Iterable[str]) -> None:
    from sampler import tasks

    for slug in slugs:
        transaction.on_commit(partial(tasks.ring_doorbell, slug))


def cancel(*, request_id: UUID) -> bool:
    """Stop a request. True where it ended now, or will within a step of its worker."""
    now = timezone.now()
    waiting = SampleRequest.objects.filter(pk=request_id, state=State.QUEUED)
    if advance(waiting, to=State.CANCELLED, table=TABLE, cancel_requested=True, finished_at=now):
        return True
    running = SampleRequest.objects.filter(pk=request_id, state=State.RUNNING)
    if not running.update(cancel_requested=True):
        return False
    ring_on_commit(running.values_list("model_version__slug", flat=True))
    return True


def provide(*, text: str, model_version: ModelVersion | None = None, model_label: str = "") -> Completion:
    """A text from outside, as a completion without a request."""
    return Completion.objects.create(
        text=text,
        model_version=model_version,
        model_label=model_label,
        finish_reason=Completion.FinishReason.PROVIDED,
    )


def provide_all(*, texts: Sequence[tuple[str, str]]) -> list[Completion]:
    """Many (text, model label) from outside, in one statement."""
    rows = [
        Completion(text=text, model_label=label[:200], finish_reason=Completion.FinishReason.PROVIDED)
        for text, label in texts
    ]
    return Completion.objects.bulk_create(rows, batch_size=1000)


def forget(*, completion_ids: Sequence[UUID]) -> int:
    """Delete texts that were brought from outside and that nothing points at any more."""
    return Completion.objects.filter(pk__in=completion_ids, request__isnull=True).delete()[0]


def empty(*, completion_ids: Collection[UUID], request_ids: Collection[UUID], text: str) -> int:
    """Replace withdrawn texts: of these completions, of the prompts of the requests that they come from,
    and of these requests. Waiting requests are cancelled."""
    requests = set(request_ids)
    requests |= set(
        Completion.objects.filter(pk__in=completion_ids, request__isnull=False).values_list("request_id", flat=True)
    )
    for request_id in requests:
        cancel(request_id=request_id)
    SampleRequest.objects.filter(pk__in=requests).update(prompt=[{"role": "user", "content": text}], prompt_report={})
    return Completion.objects.filter(pk__in=completion_ids).update(text=text) + Completion.objects.filter(
        request__in=requests
    ).exclude(pk__in=completion_ids).update(text=text)


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
        rows = list(
            waiting.order_by("priority", "created_at").select_for_update(skip_locked=True, of=("self",))[
                : min(room, limit)
            ]
        )
        taken = _fitting(rows, room, empty)
        if not taken:
            return []
        lease = Now() + dt.timedelta(seconds=settings.SAMPLER_LEASE_SECONDS)
        for row in taken:
            row.alone = row.losses >= LOSSES_IN_COMPANY
        for alone in (False, True):
            ids = [row.pk for row in taken if row.alone is alone]
            if ids:
                advance(
                    SampleRequest.objects.filter(pk__in=ids), to=State.RUNNING, table=TABLE, worker=worker,
                    lease_expires_at=lease, attempts=F("attempts") + 1, alone=alone, started_at=now,
                    first_token_at=None, not_before=None,
                )  # fmt: skip
    for row in taken:
        row.state, row.worker, row.attempts, row.started_at = State.RUNNING, worker, row.attempts + 1, now
    return taken


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


def held(*, request_id: UUID, attempt: int) -> QuerySet[SampleRequest]:
    """The row, as long as this try may still write to it: also after its lease expired, until another claims it."""
    return SampleRequest.objects.filter(pk=request_id, attempts=attempt, state__in=[State.RUNNING, State.QUEUED])


def complete(
    *,
    request_id: UUID,
    attempt: int,
    drawn: Sequence[Drawn],
    cancelled: bool = False,
    prompt_report: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
    started_at: dt.datetime | None = None,
    first_token_at: dt.datetime | None = None,
    finished_at: dt.datetime | None = None,
) -> bool:
    """Store the texts and end the request, in one transaction. False: this try had lost it."""
    now = finished_at or timezone.now()
    with transaction.atomic():
        rows = held(request_id=request_id, attempt=attempt)
        moved = advance(
            rows, to=State.CANCELLED if cancelled else State.DONE, table=TABLE, worker="", lease_expires_at=None,
            finished_at=now, first_token_at=first_token_at, prompt_report=prompt_report or {}, error="",
        )  # fmt: skip
        if not moved:
            return False
        row = SampleRequest.objects.only("model_version_id", "params", "created_at", "started_at").get(pk=request_id)
        begun = started_at or row.started_at or now
        Completion.objects.bulk_create(
            Completion(
                request=row,
                index=one.index,
                model_version_id=row.model_version_id,
                text=storable(one.text),
                finish_reason=one.finish_reason,
                prompt_tokens=one.prompt_tokens,
                completion_tokens=one.completion_tokens,
                logprob=one.logprob,
                seed=one.seed,
                params=one.params or row.params,
                provenance=provenance or {},
                queue_ms=_ms(begun - row.created_at),
                generation_ms=_ms(now - begun),
            )
            for one in drawn
        )
    return True


def _ms(span: dt.timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))


def fail(*, request_id: UUID, attempt: int, reason: str, retry: bool = True) -> bool:
    """The request failed by itself: a strike. It is tried again later, or ends at the last strike."""
    row = held(request_id=request_id, attempt=attempt).first()
    if row is None:
        return False
    strikes = row.strikes + 1
    reason = reason.strip() or "The engine gave no reason."
    rows = held(request_id=request_id, attempt=attempt)
    if not retry or strikes >= settings.SAMPLER_MAX_ATTEMPTS:
        text = reason if not retry else f"Failed {strikes} times, the last time with: {reason}"
        return bool(
            advance(
                rows, to=State.FAILED, table=TABLE, worker="", lease_expires_at=None, finished_at=timezone.now(),
                error=text, strikes=strikes,
            )
        )  # fmt: skip
    return _requeue(rows, strikes=strikes, error=reason, not_before=_later(strikes))


def give_back(*, request_id: UUID, attempt: int) -> bool:
    """Back into the queue through no fault of anyone: the worker drains, or the model was unloaded."""
    return _requeue(held(request_id=request_id, attempt=attempt), losses=F("losses"))


def abandon(*, request_id: UUID, attempt: int, reason: str) -> bool:
    """The whole batch broke and nobody knows by whom: a loss, as if the worker had died."""
    rows = held(request_id=request_id, attempt=attempt)
    row = rows.first()
    if row is None:
        return False
    if row.alone:
        return fail(request_id=request_id, attempt=attempt, reason=reason)
    return _requeue(rows, losses=F("losses") + 1, error=reason, not_before=_later(row.losses))


def fail_waiting(*, model_version_id: UUID, reason: str) -> int:
    """End everything that waits for a model version which cannot be loaded."""
    waiting = SampleRequest.objects.filter(model_version_id=model_version_id, state=State.QUEUED)
    return advance(waiting, to=State.FAILED, table=TABLE, finished_at=timezone.now(), error=reason)


def _requeue(rows: QuerySet[SampleRequest], **columns: Any) -> bool:
    """RUNNING to QUEUED. Rows that are queued already (their lease expired meanwhile) stay as they are."""
    return bool(
        advance(
            rows, to=State.QUEUED, table=TABLE, worker="", lease_expires_at=None, started_at=None,
            first_token_at=None, **columns,
        )
    )  # fmt: skip


def _later(times: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=min(30.0, settings.SAMPLER_RETRY_SECONDS * 2**times))


def heartbeat(*, worker: str, request_ids: Sequence[UUID]) -> set[UUID]:
    """Extend the leases that this worker holds; returns the requests that it still holds."""
    mine = SampleRequest.objects.filter(pk__in=list(request_ids), worker=worker, state=State.RUNNING)
    mine.update(lease_expires_at=Now() + dt.timedelta(seconds=settings.SAMPLER_LEASE_SECONDS))
    return set(mine.values_list("pk", flat=True))


def to_cancel(*, worker: str) -> set[UUID]:
    """Requests of this worker that somebody stopped."""
    rows = SampleRequest.objects.filter(worker=worker, state=State.RUNNING, cancel_requested=True)
    return set(rows.values_list("pk", flat=True))


def requeue_expired() -> int:
    """Take back requests whose worker let the lease run out; end those that were stopped or died alone too often."""
    count = 0
    expired = SampleRequest.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now())
    for row in expired.order_by("pk")[:500]:
        still = expired.filter(pk=row.pk, attempts=row.attempts)
        if row.cancel_requested:
            count += advance(
                still, to=State.CANCELLED, table=TABLE, worker="", lease_expires_at=None, finished_at=timezone.now()
            )
        elif not row.alone:
            count += _requeue(
                still, losses=F("losses") + 1, error="The worker that ran it was lost.", not_before=_later(row.losses)
            )
        elif still.exists():
            count += fail(request_id=row.pk, attempt=row.attempts, reason="The worker died while it ran this alone.")
    return count
