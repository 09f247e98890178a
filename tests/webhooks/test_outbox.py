"""Deliveries: written with the event, signed, in order, retried."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from labeling import corrections
from labeling.models import Project
from tests import makers
from tests.webhooks.receiver import Receiver, is_signed
from webhooks import outbox, signing, subscriptions
from webhooks.models import Delivery, Subscription

pytestmark = pytest.mark.django_db


def first_delivery() -> Delivery:
    return Delivery.objects.order_by("id")[0]


def due_now() -> None:
    Delivery.objects.filter(state="pending").update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_a_ranking_that_closes_its_comparison_is_told_in_that_order(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
    assert outbox.deliver_due() == 2
    kinds = [json.loads(body)["type"] for _, body in receiver.got]
    assert kinds == ["ranking.submitted", "comparison.closed"]
    assert json.loads(receiver.got[0][1])["data"] == {
        "project": "demo", "ranking": str(ranking.pk), "comparison": str(ranking.comparison_id),
    }  # fmt: skip


def test_what_is_rolled_back_is_never_told(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    comparison = makers.make_comparison(project, k=2)
    with transaction.atomic():
        makers.make_ranking(comparison, alice)
        assert Delivery.objects.count() == 2
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_an_undo_is_told_after_the_submission(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
    assert ranking.assignment is not None
    corrections.undo_ranking(assignment=ranking.assignment)
    outbox.deliver_due()
    kinds = [json.loads(body)["type"] for _, body in receiver.got]
    assert kinds == ["ranking.submitted", "comparison.closed", "ranking.undone"]


def test_a_finished_export_is_told(project: Project, webhook: Subscription, receiver: Receiver) -> None:
    from exports.models import ExportRun

    run = ExportRun.objects.create(project=project, trigger="api", cutoff=timezone.now())
    now = timezone.now()
    ExportRun.objects.filter(pk=run.pk).update(state="finished", manifest={}, finished_at=now)
    ExportRun.objects.filter(pk=run.pk).update(state="finished")
    assert outbox.deliver_due() == 1
    assert json.loads(receiver.got[0][1])["data"] == {"project": "demo", "export": str(run.pk)}


def test_another_projects_events_are_not_told(webhook: Subscription, receiver: Receiver) -> None:
    other = makers.make_project("other")
    makers.make_ranking(makers.make_comparison(other, k=2), makers.make_member(other, "otto"))
    assert outbox.deliver_due() == 0


def test_the_signature_is_right_for_the_schemes_own_library(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    outbox.deliver_due()
    headers, body = receiver.got[0]
    before = signing.secret_of(webhook)
    assert is_signed(before, headers, body)
    assert not is_signed(before, headers, body + b" ")
    assert not is_signed(before, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body)
    renewed = signing.secret_of(subscriptions.renew_secret(subscription=webhook, by=None))
    assert not is_signed(renewed, headers, body)


def test_a_receiver_that_was_down_gets_every_event_once_and_in_order(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    receiver.status = 503
    by_comparison: dict[str, list[str]] = {}
    for _ in range(3):
        ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
        by_comparison[str(ranking.comparison_id)] = []
    assert outbox.deliver_due() == 0
    assert set(Delivery.objects.values_list("attempts", "last_status")) == {(1, 503), (0, None)}
    assert outbox.deliver_due() == 0  # nothing is due: the wait has begun
    receiver.status = 204
    for _ in range(3):
        due_now()
        outbox.deliver_due()
    for _, body in receiver.got:
        event = json.loads(body)
        by_comparison[event["data"]["comparison"]].append(event["type"])
    assert list(by_comparison.values()) == [["ranking.submitted", "comparison.closed"]] * 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 6
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_two_workers_never_send_the_same_delivery(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    first = outbox.claim()
    assert len(first) == 1
    assert outbox.claim() == []
    Delivery.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    second = outbox.claim()
    assert outbox.settle(first[0], status=204, error="") == 0  # its claim ran out
    assert outbox.settle(second[0], status=204, error="") == 1


def test_a_redirect_is_not_followed_and_410_ends_the_webhook(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    receiver.status = 302
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    outbox.deliver_due()
    assert first_delivery().last_status == 302
    receiver.status = 410
    due_now()
    outbox.deliver_due()
    webhook.refresh_from_db()
    assert webhook.ended_reason == "Its receiver answered 410 Gone."
    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed"}


def test_a_delivery_is_given_up_after_its_tries_and_can_be_sent_again(
    project: Project, alice: User, webhook: Subscription, receiver: Receiver
) -> None:
    receiver.status = 500
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    first = first_delivery()
    Delivery.objects.filter(pk=first.pk).update(attempts=outbox.MOST_ATTEMPTS - 1)
    outbox.deliver_due()
    first.refresh_from_db()
    assert (first.state, first.last_error) == ("failed", "It answered 500.")
    assert outbox.send_again(delivery=first)
    receiver.status = 204
    due_now()
    outbox.deliver_due()
    first.refresh_from_db()
    assert first.state == "delivered"
