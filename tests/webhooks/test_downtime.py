"""A receiver that is really down for a minute, by the clock on the wall. The slow tier."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections import Counter, defaultdict

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from labeling import comparisons
from labeling.models import Project
from tests import makers
from tests.webhooks.test_outbox import Receiver
from webhooks import signing, subscriptions, tasks
from webhooks.models import Delivery, Event

BEAT = 5.0  # as in the settings
DOWN = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def beat(stop: threading.Event) -> None:
    """One worker that runs the task as beat asks for it."""
    while not stop.is_set():
        tasks.deliver()
        stop.wait(BEAT)
    connection.close()


def signed_rightly(secret: str, headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, headers["webhook-signature"])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_is_down_for_a_minute_gets_every_event_once_signed_and_in_order(
    project: Project, alice: User, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    port = free_port()
    webhook = subscriptions.subscribe(
        project=project, url=f"http://127.0.0.1:{port}/hook", events=Event.values, by=mona
    )
    stop = threading.Event()
    workers = [threading.Thread(target=beat, args=(stop,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    receiver = None
    try:
        began = time.monotonic()
        while time.monotonic() - began < DOWN:  # nothing listens
            ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
            comparisons.undo_ranking(assignment=ranking.assignment)
            time.sleep(6)
        tried = Counter(Delivery.objects.values_list("state", flat=True))
        assert set(tried) == {"pending"}
        assert Delivery.objects.filter(attempts__gte=2, last_error__startswith="No answer").exists()
        receiver = Receiver(port)
        opened = time.monotonic()
        while Delivery.objects.exclude(state="delivered").exists() and time.monotonic() - opened < 150:
            time.sleep(0.5)
        waited = time.monotonic() - opened
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        if receiver:
            receiver.close()
    print(f"\n{tried['pending']} events waited; all had arrived {waited:.0f} s after the receiver came back")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert sorted(ids) == sorted(f"msg_{pk}" for pk in Delivery.objects.values_list("pk", flat=True))
    secret = signing.secret_of(webhook)
    assert all(signed_rightly(secret, headers, body) for headers, body in receiver.got)
    by_object = defaultdict(list)
    for _, body in receiver.got:
        event = json.loads(body)
        by_object[event["data"]["comparison"]].append(event["type"])
    assert len(by_object) == 10
    assert set(map(tuple, by_object.values())) == {("ranking.submitted", "comparison.closed", "ranking.undone")}
