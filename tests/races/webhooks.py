"""What may be written on one webhook and its deliveries while a trainer causes another."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from unittest import mock

from accounts.models import User
from labeling import rankings
from labeling.models import Assignment, Project
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken
from tests.races.standing import Standing, rows
from webhooks import outbox, subscriptions
from webhooks.models import Delivery, Subscription


@dataclass
class Work:
    """One webhook."""

    project: Project
    people: dict[str, User]
    run: uuid.UUID


def subscribed(cast: Cast) -> Work:
    """To rankings; one event is due, and a trainer is about to hand in."""
    with mock.patch.object(subscriptions, "check_url"):  # which would ask the network
        made = subscriptions.subscribe(
            project=cast.project, url="https://example.org/", events=["ranking.submitted"], by=cast.people["rita"]
        )
    makers.make_ranking(makers.make_comparison(cast.project, k=2), cast.people["carol"])
    makers.make_lease(makers.make_comparison(cast.project, k=2), cast.people["alice"])
    return Work(cast.project, cast.people, made.pk)


def given_up(cast: Cast) -> Work:
    work = subscribed(cast)
    Delivery.objects.update(state="failed", attempts=20, last_error="It answered 500.")
    return work


def _subscription(work: Work) -> Subscription:
    return Subscription.objects.select_related("project").get(pk=work.run)


def end_webhook(work: Work) -> object:
    return taken(subscriptions.end(subscription=_subscription(work), by=work.people["rita"]))


def renew_secret(work: Work) -> object:
    return subscriptions.renew_secret(subscription=_subscription(work), by=work.people["rita"])


def deliver(work: Work) -> object:
    """What a worker does, whose receiver answers."""
    for delivery in outbox.claim():
        outbox.settle(delivery, status=200, error="")
    return None


def break_off(work: Work) -> object:
    """What a worker does whose receiver is gone for good."""
    return subscriptions.end(subscription=_subscription(work), by=None, reason="Its receiver answered 410 Gone.")


def send_again(work: Work) -> object:
    return taken(outbox.send_again(delivery=Delivery.objects.earliest("id")))


def hand_in(work: Work) -> object:
    held = Assignment.objects.select_related("comparison__project").get(trainer=work.people["alice"])
    ids = held.comparison.candidates.order_by("index").values_list("completion_id", flat=True)
    return rankings.submit_ranking(assignment=held, groups=[[str(pk)] for pk in ids], note="mine", seconds=60)


def sent_or_not(work: Work) -> Standing:
    """After beat looked once more: what is pending for an ended webhook is given up."""
    outbox.claim(without=set(Subscription.objects.values_list("pk", flat=True)))
    return rows(Subscription, Delivery, without=["url", "data", "claimed_until"])


SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "subscribed", subscribed,
        {"end": end_webhook, "secret": renew_secret, "deliver": deliver, "break off": break_off, "hand in": hand_in},
        sent_or_not,
    ),
    Situation("given up", given_up, {"send again": send_again, "end": end_webhook, "deliver": deliver}, sent_or_not),
)  # fmt: skip
