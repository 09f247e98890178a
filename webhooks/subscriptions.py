"""Writes on subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.audit import record
from common.transitions import advance
from labeling.errors import Invalid
from labeling.models import Project
from webhooks.addresses import Refused, check_url
from webhooks.models import Delivery, Event, Subscription

if TYPE_CHECKING:
    from accounts.models import User

MOST = 20


@transaction.atomic
def subscribe(*, project: Project, url: str, events: Sequence[str], by: User | None) -> Subscription:
    """Tell `url` of the project's `events` from now on.

    Raises:
        Invalid: no event, an unknown one, too many subscriptions, or an address that may not be called.
    """
    wanted = sorted(set(events))
    if not wanted or set(wanted) - set(Event.values):
        raise Invalid(f"A webhook takes one or more of {', '.join(Event.values)}.")
    try:
        check_url(url)
    except Refused as refused:
        raise Invalid(str(refused)) from None
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if Subscription.objects.filter(project=project, ended_at__isnull=True).count() >= MOST:
        raise Invalid(f"A project has at most {MOST} webhooks.")
    made = Subscription.objects.create(project=project, url=url, events=wanted, created_by=by)
    record(actor=by, action="webhook.created", obj=made, fields=["url", "events"])
    return made


@transaction.atomic
def end(*, subscription: Subscription, by: User | None, reason: str = "Ended by a manager.") -> bool:
    """Stop telling; what was not delivered yet is given up. False if it had ended."""
    live = Subscription.objects.filter(pk=subscription.pk, ended_at__isnull=True)
    ended = live.update(ended_at=timezone.now(), ended_reason=reason)
    if ended:
        give_up(Delivery.objects.filter(subscription=subscription))
        record(actor=by, action="webhook.ended", obj=subscription)
    return bool(ended)


def give_up(deliveries: QuerySet[Delivery]) -> int:
    """Those of ended subscriptions are not sent."""
    return advance(
        deliveries, to=Delivery.State.FAILED, table=Delivery.TRANSITIONS, last_error="The webhook was ended."
    )


@transaction.atomic
def renew_secret(*, subscription: Subscription, by: User | None) -> Subscription:
    """Give the subscription a new secret, in force at once."""
    Subscription.objects.filter(pk=subscription.pk).update(generation=F("generation") + 1)
    subscription.refresh_from_db()
    record(actor=by, action="webhook.secret_renewed", obj=subscription, fields=["generation"])
    return subscription
