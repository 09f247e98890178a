"""Sending what the triggers wrote: claimed, signed, sent, retried; in order for each object.

The row is the work: it is claimed for a minute, sent outside any transaction, and moved on by a
filtered update. A worker that dies leaves the claim to run out, so that an event can arrive twice,
with the same `webhook-id`; it never gets lost.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from datetime import timedelta
from uuid import UUID

import httpcore
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from common.transitions import advance
from webhooks import signing, subscriptions
from webhooks.addresses import CheckedNetwork, Refused
from webhooks.models import Delivery, Subscription

logger = logging.getLogger(__name__)

BATCH = 50
CLAIM = timedelta(seconds=60)
TIMEOUT = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 5.0}
MOST_ATTEMPTS = 20  # spread over about ten hours
LONGEST_WAIT = 3600
LIVE = Subscription.objects.filter(pk=OuterRef("subscription"), ended_at__isnull=True)


def wait_after(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s, … up to an hour."""
    return timedelta(seconds=min(5 * 2 ** max(0, attempts - 1), LONGEST_WAIT))


def deliver_due(*, budget: float = 20.0) -> int:
    """Send what is due until nothing is left or `budget` seconds are over; return how many were taken."""
    delivered = 0
    stop = time.monotonic() + budget
    context = ssl.create_default_context()
    unreachable: set[UUID] = set()
    while time.monotonic() < stop:
        batch = claim(without=unreachable)
        if not batch:
            break
        with httpcore.ConnectionPool(ssl_context=context, network_backend=CheckedNetwork()) as pool:
            for delivery in batch:
                if delivery.subscription_id in unreachable or time.monotonic() > stop:
                    _release(delivery)
                    continue
                status, error = send(delivery, pool)
                if status is None:
                    unreachable.add(delivery.subscription_id)  # its other events wait for the next pass
                delivered += settle(delivery, status=status, error=error)
    return delivered


@transaction.atomic
def claim(*, without: set[UUID] | None = None) -> list[Delivery]:
    """Deliveries that are due and first in line for their object, claimed for this worker."""
    now = timezone.now()
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)
    subscriptions.give_up(pending.filter(~Exists(LIVE)))  # written while it was ended
    earlier = pending.filter(
        subscription=OuterRef("subscription"), object_key=OuterRef("object_key"), id__lt=OuterRef("id")
    )
    rows = list(
        pending.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now), ~Exists(earlier), next_try_at__lte=now)
        .exclude(subscription__in=without or ())
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("subscription__project")
        .order_by("id")[:BATCH]
    )
    until = now + CLAIM
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=until)
    for row in rows:
        row.claimed_until = until
    return rows


def send(delivery: Delivery, pool: httpcore.ConnectionPool) -> tuple[int | None, str]:
    """POST it; the answer's status, or None and why there is none. Redirects are not followed."""
    subscription = delivery.subscription
    body = json.dumps(
        {"type": delivery.event, "timestamp": delivery.occurred_at.isoformat(), "data": delivery.data}
    ).encode()
    message_id, timestamp = f"msg_{delivery.pk}", int(time.time())
    signed = signing.signature(
        secret=signing.secret_of(subscription), message_id=message_id, timestamp=timestamp, body=body
    )
    headers: dict[bytes | str, bytes | str] = {
        "content-type": "application/json",
        "user-agent": "Duologue-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signed,
        "connection": "close",
    }
    try:
        with pool.stream(
            "POST", subscription.url, headers=headers, content=body, extensions={"timeout": TIMEOUT}
        ) as response:
            return response.status, "" if 200 <= response.status < 300 else f"It answered {response.status}."
    except Refused as refused:
        return None, str(refused)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failed:
        return None, f"No answer: {type(failed).__name__} {failed}".strip()
    except httpcore.UnsupportedProtocol:
        return None, "This is not an http(s) address."


def settle(delivery: Delivery, *, status: int | None, error: str) -> int:
    """Store what came of a try; 1 if it was taken. Does nothing if the claim is no longer ours."""
    mine = Delivery.objects.filter(pk=delivery.pk, claimed_until=delivery.claimed_until)
    tries = delivery.attempts + 1
    columns = {"attempts": tries, "claimed_until": None, "last_status": status, "last_error": error[:300]}
    if status is not None and 200 <= status < 300:
        return advance(
            mine, to=Delivery.State.DELIVERED, table=Delivery.TRANSITIONS, delivered_at=timezone.now(), **columns
        )
    if tries >= MOST_ATTEMPTS:
        advance(mine, to=Delivery.State.FAILED, table=Delivery.TRANSITIONS, **columns)
    else:
        mine.filter(state=Delivery.State.PENDING).update(next_try_at=timezone.now() + wait_after(tries), **columns)
    if status == 410:
        subscriptions.end(subscription=delivery.subscription, by=None, reason="Its receiver answered 410 Gone.")
    logger.info("webhook %s: try %s: %s", delivery.pk, tries, error)
    return 0


def _release(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk, claimed_until=delivery.claimed_until).update(claimed_until=None)


def send_again(*, delivery: Delivery) -> bool:
    """Put a delivery that was given up back into the queue."""
    live = Delivery.objects.filter(Exists(LIVE), pk=delivery.pk)
    return bool(
        advance(
            live,
            to=Delivery.State.PENDING,
            table=Delivery.TRANSITIONS,
            attempts=0,
            next_try_at=timezone.now(),
        )
    )


def forget_old(*, days: int = 30) -> int:
    """Remove the log of ended deliveries after a month."""
    ended = Delivery.objects.exclude(state=Delivery.State.PENDING)
    return ended.filter(occurred_at__lt=timezone.now() - timedelta(days=days)).delete()[0]
