"""Deliveries: written with the event, signed, in order, retried, and never to a private address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from labeling import comparisons
from labeling.errors import Invalid
from labeling.models import Project
from tests import makers
from webhooks import addresses, outbox, signing, subscriptions
from webhooks.models import Delivery, Event

pytestmark = pytest.mark.django_db


class Receiver:
    """A real server on loopback that keeps what it was sent; `status` is what it answers."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[tuple[dict, bytes]] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status < 300:
                    receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def webhook(receiver: Receiver, project: Project, mona: User):
    return subscriptions.subscribe(project=project, url=receiver.url, events=Event.values, by=mona)


def due_now() -> None:
    Delivery.objects.filter(state="pending").update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_a_ranking_that_closes_its_comparison_is_told_in_that_order(
    project: Project, alice: User, webhook, receiver: Receiver
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
    assert outbox.deliver_due() == 2
    kinds = [json.loads(body)["type"] for _, body in receiver.got]
    assert kinds == ["ranking.submitted", "comparison.closed"]
    assert json.loads(receiver.got[0][1])["data"] == {
        "project": "demo", "ranking": str(ranking.pk), "comparison": str(ranking.comparison_id),
    }  # fmt: skip


def test_what_is_rolled_back_is_never_told(project: Project, alice: User, webhook, receiver: Receiver) -> None:
    comparison = makers.make_comparison(project, k=2)
    with transaction.atomic():
        makers.make_ranking(comparison, alice)
        assert Delivery.objects.count() == 2
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_an_undo_is_told_after_the_submission(project: Project, alice: User, webhook, receiver: Receiver) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
    comparisons.undo_ranking(assignment=ranking.assignment)
    outbox.deliver_due()
    kinds = [json.loads(body)["type"] for _, body in receiver.got]
    assert kinds == ["ranking.submitted", "comparison.closed", "ranking.undone"]


def test_a_finished_export_is_told(project: Project, webhook, receiver: Receiver) -> None:
    from exports.models import ExportRun

    run = ExportRun.objects.create(project=project, trigger="api", cutoff=timezone.now())
    now = timezone.now()
    ExportRun.objects.filter(pk=run.pk).update(state="finished", manifest={}, finished_at=now)
    ExportRun.objects.filter(pk=run.pk).update(state="finished")
    assert outbox.deliver_due() == 1
    assert json.loads(receiver.got[0][1])["data"] == {"project": "demo", "export": str(run.pk)}


def test_another_projects_events_are_not_told(webhook, receiver: Receiver) -> None:
    other = makers.make_project("other")
    makers.make_ranking(makers.make_comparison(other, k=2), makers.make_member(other, "otto"))
    assert outbox.deliver_due() == 0


def test_the_signature_is_that_of_the_standard_webhooks_scheme(
    project: Project, alice: User, webhook, receiver: Receiver
) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    outbox.deliver_due()
    headers, body = receiver.got[0]
    key = base64.b64decode(signing.secret_of(webhook).removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == expected
    renewed = subscriptions.renew_secret(subscription=webhook, by=None)
    assert signing.secret_of(renewed) != base64.b64encode(key).decode()


def test_a_receiver_that_was_down_gets_every_event_once_and_in_order(
    project: Project, alice: User, webhook, receiver: Receiver
) -> None:
    receiver.status = 503
    by_comparison = {}
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


def test_two_workers_never_send_the_same_delivery(project: Project, alice: User, webhook, receiver: Receiver) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    first = outbox.claim()
    assert len(first) == 1
    assert outbox.claim() == []
    Delivery.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    second = outbox.claim()
    assert outbox.settle(first[0], status=204, error="") == 0  # its claim ran out
    assert outbox.settle(second[0], status=204, error="") == 1


def test_a_redirect_is_not_followed_and_410_ends_the_webhook(
    project: Project, alice: User, webhook, receiver: Receiver
) -> None:
    receiver.status = 302
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    outbox.deliver_due()
    assert Delivery.objects.order_by("id").first().last_status == 302
    receiver.status = 410
    due_now()
    outbox.deliver_due()
    webhook.refresh_from_db()
    assert webhook.ended_reason == "Its receiver answered 410 Gone."
    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed"}


def test_a_delivery_is_given_up_after_its_tries_and_can_be_sent_again(
    project: Project, alice: User, webhook, receiver: Receiver
) -> None:
    receiver.status = 500
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    first = Delivery.objects.order_by("id").first()
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


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://10.0.0.8/x", "https://169.254.169.254/latest", "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x", "https://[fd00::1]/x", "https://localhost/x", "https://0.0.0.0/x",
        "https://100.64.0.1/x", "https://[64:ff9b::7f00:1]/x", "https://2130706433/x", "https://0x7f.1/x",
        "http://93.184.216.34/x", "ftp://93.184.216.34/x", "https://user:secret@93.184.216.34/x", "https://",
        "nonsense",
        "https://93.184.216.34:notaport/", "https://224.0.0.1/",
    ],
)  # fmt: skip
def test_private_and_odd_addresses_are_refused_with_a_sentence(
    url: str, project: Project, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    with pytest.raises(Invalid, match=r"\.$|=1\."):
        subscriptions.subscribe(project=project, url=url, events=["ranking.submitted"], by=mona)


def test_a_public_address_is_taken_and_written_to_the_audit_log(
    project: Project, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    made = subscriptions.subscribe(
        project=project, url="https://93.184.216.34/hook", events=["ranking.submitted"], by=mona
    )
    entry = AuditEntry.objects.get(action="webhook.created")
    assert (entry.actor, entry.object_id, entry.project_id) == (mona, str(made.pk), project.pk)


def test_a_name_that_turns_private_after_it_was_checked_is_not_called(
    project: Project, alice: User, webhook, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the check is made on the very address that is connected to."""
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    assert outbox.deliver_due() == 0
    assert receiver.got == []
    assert "private address" in Delivery.objects.order_by("id").first().last_error


def test_public_means_public_whatever_form_it_comes_in() -> None:
    public = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]
    private = [
        "192.168.1.1",
        "172.16.0.1",
        "::",
        "2002:7f00:1::",
        "fe80::1",
        "ff02::1",
        "198.18.0.1",
        "255.255.255.255",
    ]
    assert all(addresses.is_public(ipaddress.ip_address(a)) for a in public)
    assert not any(addresses.is_public(ipaddress.ip_address(a)) for a in private)


def test_the_api_makes_lists_and_ends_webhooks(
    project: Project, mona: User, alice: User, api: Callable[..., APIClient], settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    client, address = api(mona), f"/api/v1/projects/{project.slug}/webhooks/"
    body = {"url": "https://93.184.216.34/hook", "events": ["ranking.submitted"]}
    made = client.post(address, body, format="json")
    assert made.status_code == 201
    assert made.data["secret"].startswith("whsec_")
    assert "secret" not in client.get(address).data[0]
    refused = client.post(address, {**body, "url": "https://127.0.0.1/"}, format="json")
    assert (refused.status_code, "private address" in refused.data["detail"]) == (400, True)
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    log = client.get(f"/api/v1/webhooks/{made.data['id']}/deliveries/").data["results"]
    assert [row["event"] for row in log] == ["ranking.submitted"]
    assert client.delete(f"/api/v1/webhooks/{made.data['id']}/").status_code == 204
    again = f"/api/v1/webhooks/{made.data['id']}/deliveries/{log[0]['id']}/again/"
    assert client.post(again).data["state"] == "failed"
    assert api(alice).get(f"/api/v1/webhooks/{made.data['id']}/").status_code == 404
