"""A receiver that is really down for a minute, by the clock on the wall. The slow tier."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from labeling import corrections
from labeling.models import Project
from tests import makers
from tests.webhooks.receiver import Receiver, is_signed
from tests.workers import free_port
from webhooks import signing, subscriptions, tasks
from webhooks.models import Delivery, Event

BEAT = 5.0  # as in the settings
DOWN = 60.0


def beat(stop: threading.Event) -> None:
    """One worker that runs the task as beat asks for it."""
    while not stop.is_set():
        tasks.deliver()
        stop.wait(BEAT)
    connection.close()


@contextmanager
def two_workers() -> Iterator[None]:
    stop = threading.Event()
    workers = [threading.Thread(target=beat, args=(stop,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def rank_and_undo_while_nothing_listens(project: Project, alice: User) -> None:
    began = time.monotonic()
    while time.monotonic() - began < DOWN:
        ranking = makers.make_ranking(makers.make_comparison(project, k=2), alice)
        assert ranking.assignment is not None
        corrections.undo_ranking(assignment=ranking.assignment)
        time.sleep(6)


def kinds_by_comparison(receiver: Receiver) -> dict[str, tuple[str, ...]]:
    """What was received of each comparison, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for _, body in receiver.got:
        event = json.loads(body)
        key = event["data"]["comparison"]
        found[key] = (*found.get(key, ()), event["type"])
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_is_down_for_a_minute_gets_every_event_once_signed_and_in_order(
    project: Project, alice: User, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    webhook = subscriptions.subscribe(project=project, url=url, events=Event.values, by=mona)
    with two_workers():
        rank_and_undo_while_nothing_listens(project, alice)
        assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}
        assert Delivery.objects.filter(attempts__gte=2, last_error__startswith="No answer").exists()
        opened = time.monotonic()
        with closing(Receiver(port)) as receiver:
            while Delivery.objects.exclude(state="delivered").exists() and time.monotonic() - opened < 150:
                time.sleep(0.5)
    print(f"\n{len(receiver.got)} events had arrived {time.monotonic() - opened:.0f} s after the receiver came back")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert sorted(ids) == sorted(f"msg_{pk}" for pk in Delivery.objects.values_list("pk", flat=True))
    secret = signing.secret_of(webhook)
    assert all(is_signed(secret, headers, body) for headers, body in receiver.got)
    told = kinds_by_comparison(receiver)
    assert len(told) == 10
    assert set(told.values()) == {("ranking.submitted", "comparison.closed", "ranking.undone")}
