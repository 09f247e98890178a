"""How a try of a request ends: with texts, with a failure, or in the queue again. Every write has the fencing token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from common.control_tokens import control_tokens
from common.transitions import advance
from sampler import screened
from sampler.engines.base import PromptReport, Provenance
from sampler.models import Completion, SampleRequest
from sampler.params import Drawn
from sampler.screened import Screened
from sampler.text import storable

State = SampleRequest.State
TABLE = SampleRequest.TRANSITIONS


def held(*, request_id: UUID, attempt: int) -> QuerySet[SampleRequest]:
    """The row, as long as this try may still write to it: also after its lease expired, until another claims it."""
    return SampleRequest.objects.filter(pk=request_id, attempts=attempt, state__in=[State.RUNNING, State.QUEUED])


@dataclass(frozen=True)
class Result:
    """What a try came to, as its worker tells it."""

    drawn: Sequence[Drawn]
    cancelled: bool = False
    screened: Screened | None = None  # None: nobody has asked the filters yet
    prompt_report: PromptReport | None = None
    provenance: Provenance | None = None
    started_at: dt.datetime | None = None
    first_token_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None


def complete(*, request_id: UUID, attempt: int, result: Result) -> bool:
    """Store the texts and end the request, in one transaction. False: this try had lost it."""
    now = result.finished_at or timezone.now()
    with transaction.atomic():
        rows = held(request_id=request_id, attempt=attempt)
        moved = advance(
            rows, to=State.CANCELLED if result.cancelled else State.DONE, table=TABLE, worker="",
            lease_expires_at=None, finished_at=now, first_token_at=result.first_token_at,
            prompt_report=result.prompt_report or {}, error="", partial=[],
        )  # fmt: skip
        if not moved:
            return False
        rows = SampleRequest.objects.select_related("model_version")
        columns = ("model_version__control_tokens", "params", "created_at", "started_at", "screening")
        row = rows.only(*columns).get(pk=request_id)
        made = [_completion(row, one, result, now) for one in result.drawn]
        if row.screening:
            screened.store(row.screening, made, result.screened)
        else:
            Completion.objects.bulk_create(made)
    return True


def _completion(row: SampleRequest, one: Drawn, result: Result, now: dt.datetime) -> Completion:
    begun = result.started_at or row.started_at or now
    return Completion(
        request=row,
        index=one.index,
        model_version_id=row.model_version_id,
        text=control_tokens(frozenset(row.model_version.control_tokens)).without_last(storable(one.text)),
        reasoning=storable(one.reasoning),
        reasoning_tokens=one.reasoning_tokens,
        finish_reason=one.finish_reason,
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
        logprob=one.logprob,
        seed=one.seed,
        params=one.params or row.params,
        provenance=result.provenance or {},
        queue_ms=_ms(begun - row.created_at),
        generation_ms=_ms(now - begun),
    )


def _ms(span: dt.timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))


def fail(*, request_id: UUID, attempt: int, reason: str, retry: bool = True, partial: Sequence[str] = ()) -> bool:
    """The request failed by itself: a strike. It is tried again later, or ends at the last strike.

    `reason` may hold a server's own words and is shown to operators only. `partial` are texts that never ended.
    """
    kept = [storable(text) for text in partial]
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
                error=storable(text), strikes=strikes, partial=kept,
            )
        )  # fmt: skip
    return requeue(rows, strikes=strikes, error=storable(reason), partial=kept, not_before=later(strikes))


def give_back(*, request_id: UUID, attempt: int) -> bool:
    """Back into the queue through no fault of anyone: the worker drains, or the model was unloaded."""
    return requeue(held(request_id=request_id, attempt=attempt), losses=F("losses"))


def abandon(*, request_id: UUID, attempt: int, reason: str) -> bool:
    """The whole batch broke and nobody knows by whom: a loss, as if the worker had died."""
    rows = held(request_id=request_id, attempt=attempt)
    row = rows.first()
    if row is None:
        return False
    if row.alone:
        return fail(request_id=request_id, attempt=attempt, reason=reason)
    return requeue(rows, losses=F("losses") + 1, error=reason, not_before=later(row.losses))


def fail_waiting(*, model_version_id: UUID, reason: str) -> int:
    """End everything that waits for a model version which cannot be loaded."""
    waiting = SampleRequest.objects.filter(model_version_id=model_version_id, state=State.QUEUED)
    return advance(waiting, to=State.FAILED, table=TABLE, finished_at=timezone.now(), error=reason)


def requeue(rows: QuerySet[SampleRequest], **columns: object) -> bool:
    """RUNNING to QUEUED. Rows that are queued already (their lease expired meanwhile) stay as they are."""
    return bool(
        advance(
            rows, to=State.QUEUED, table=TABLE, worker="", lease_expires_at=None, started_at=None,
            first_token_at=None, **columns,
        )
    )  # fmt: skip


def later(times: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=min(30.0, settings.SAMPLER_RETRY_SECONDS * 2**times))
