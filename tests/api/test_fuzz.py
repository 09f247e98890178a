"""Whatever is sent: records in = stored + already there + refused with a reason, and no 5xx."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from django.core.cache import cache
from rest_framework.response import Response

from accounts.models import User
from labeling.models import Project
from tests.api.conftest import client_of
from tests.api.fuzz import Asked, Doors, as_sent, records_in

pytestmark = pytest.mark.django_db


def outcome(asked: Asked, data: bytes, answer: Response, made: int) -> Counter[str]:
    """What became of the records of one request. A traceback has ended the test before this."""
    assert answer.status_code < 500, (asked, answer.content)
    if answer.status_code < 300:
        sent = records_in(json.loads(data)) if asked.method != "PATCH" else 1
        assert 0 <= made <= sent
        changed = int(asked.method == "PATCH")
        return Counter({"sent": sent, "stored": made + changed, "already there": sent - made - changed})
    assert made == 0, (asked, answer.content)
    body = json.loads(answer.content.decode())
    assert answer["content-type"] == "application/problem+json"
    assert (body["status"], bool(body["detail"].strip()), bool(body.get("errors", True))) == (
        answer.status_code,
        True,
        True,
    )
    sent = records_in(asked.body)
    return Counter({"sent": sent, "refused": sent, f"refused with {answer.status_code}": sent,
                    "refused by field": sent * ("errors" in body)})  # fmt: skip


def fuzz(project: Project, author: User, manager: User, *, records: int, seed: int) -> Counter[str]:
    rng = random.Random(seed)
    doors = Doors(project, author, (client_of(author), client_of(manager)), rng)
    counts: Counter[str] = Counter()
    while counts["sent"] < records:
        asked = doors.next()
        data = as_sent(asked.body, rng)
        before = asked.stored_as._default_manager.count()
        send = {"POST": asked.client.post, "PUT": asked.client.put, "PATCH": asked.client.patch}[asked.method]
        answer = send(asked.address, data, content_type="application/json")
        counts += outcome(asked, data, answer, asked.stored_as._default_manager.count() - before)
        cache.clear()  # of the rate limits
    assert counts["sent"] == counts["stored"] + counts["already there"] + counts["refused"]
    return counts


def test_generated_bodies_are_stored_or_refused(project: Project, alice: User, mona: User) -> None:
    counts = fuzz(project, alice, mona, records=60, seed=1)
    assert counts["stored"] > 10
    assert counts["refused"] > 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_thousand_generated_records_are_stored_or_refused(project: Project, alice: User, mona: User) -> None:
    counts = fuzz(project, alice, mona, records=2_000, seed=2)
    print(dict(counts))
    assert counts["sent"] >= 2_000
    assert counts["stored"] > 500
    assert counts["refused"] > 100
