"""Claims, leases, fencing, strikes and losses: the rows of requests, without any worker."""

from __future__ import annotations

import datetime as dt
import threading
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from sampler import claims, results, sampling
from sampler.models import Completion, ModelVersion, SampleRequest
from sampler.params import Drawn
from sampler.results import Result
from tests.sampler.conftest import ask, make_version

pytestmark = pytest.mark.django_db


def claim(version: ModelVersion, *, worker: str = "w1", room: int = 8, empty: bool = True) -> list[SampleRequest]:
    return claims.claim(model_version_ids=[version.pk], worker=worker, room=room, empty=empty)


def texts(n: int = 1) -> Result:
    return Result([Drawn(index=i, text=f"text {i}", finish_reason="stop") for i in range(n)])


def expire(*rows: SampleRequest) -> None:
    past = timezone.now() - dt.timedelta(seconds=1)
    SampleRequest.objects.filter(pk__in=[r.pk for r in rows], state="running").update(lease_expires_at=past)
    SampleRequest.objects.filter(pk__in=[r.pk for r in rows]).update(not_before=None)


def again(row: SampleRequest, version: ModelVersion) -> list[SampleRequest]:
    """Lose the worker that runs it, and let another claim it."""
    expire(row)
    claims.requeue_expired()
    SampleRequest.objects.filter(pk=row.pk).update(not_before=None)
    return claim(version, worker="w2")


def test_interactive_requests_are_claimed_before_older_background_ones() -> None:
    version = make_version()
    old = [ask(version) for _ in range(3)]
    fresh = ask(version, priority=0)
    assert [r.pk for r in claim(version, room=2)] == [fresh.pk, old[0].pk]


def test_a_claim_takes_samples_until_its_room_is_filled() -> None:
    version = make_version()
    rows = [ask(version, n=3) for _ in range(4)]
    assert [r.pk for r in claim(version, room=4)] == [rows[0].pk, rows[1].pk]  # the second one overhangs
    assert claim(version, room=0) == []


def test_only_requests_of_the_named_model_versions_are_claimed() -> None:
    mine, other = make_version("mine"), make_version("other")
    ask(other)
    assert claim(mine) == []


def test_a_completed_request_holds_its_texts_and_cannot_be_completed_again() -> None:
    version = make_version()
    ask(version, n=2)
    (row,) = claim(version)
    assert results.complete(request_id=row.pk, attempt=row.attempts, result=texts(2))
    assert not results.complete(request_id=row.pk, attempt=row.attempts, result=texts(2))
    row.refresh_from_db()
    assert row.state == "done"
    assert row.completions.count() == 2


def test_a_worker_that_lost_its_lease_to_another_writes_nothing() -> None:
    version = make_version()
    row = ask(version)
    (first,) = claim(version)
    (second,) = again(row, version)
    assert second.attempts == first.attempts + 1
    assert not results.complete(request_id=row.pk, attempt=first.attempts, result=texts())
    assert not results.fail(request_id=row.pk, attempt=first.attempts, reason="late")
    assert not results.give_back(request_id=row.pk, attempt=first.attempts)
    assert results.complete(request_id=row.pk, attempt=second.attempts, result=texts())
    assert Completion.objects.count() == 1


def test_work_that_comes_after_the_lease_but_before_another_claim_is_kept() -> None:
    version = make_version()
    row = ask(version)
    (first,) = claim(version)
    expire(first)
    assert claims.requeue_expired() == 1
    assert results.complete(request_id=row.pk, attempt=first.attempts, result=texts())
    row.refresh_from_db()
    assert row.state == "done"


def test_a_heartbeat_keeps_the_lease_and_tells_what_is_still_held() -> None:
    version = make_version()
    rows = [ask(version) for _ in range(2)]
    claim(version)
    before = SampleRequest.objects.get(pk=rows[0].pk).lease_expires_at
    assert claims.heartbeat(worker="w1", request_ids=[r.pk for r in rows]) == {r.pk for r in rows}
    after = SampleRequest.objects.get(pk=rows[0].pk).lease_expires_at
    assert before is not None
    assert after is not None
    assert after >= before
    assert claims.heartbeat(worker="somebody else", request_ids=[r.pk for r in rows]) == set()


def test_a_request_that_fails_by_itself_ends_after_its_last_strike_with_the_reason(settings: Settings) -> None:
    settings.SAMPLER_RETRY_SECONDS = 0
    version = make_version()
    row = ask(version)
    for strike in range(1, 4):
        (held,) = claim(version)
        assert results.fail(request_id=row.pk, attempt=held.attempts, reason="It is poisoned.")
        row.refresh_from_db()
        assert row.strikes == strike
    assert row.state == "failed"
    assert "It is poisoned." in row.error
    assert "3 times" in row.error


def test_a_failed_try_waits_before_the_next_one() -> None:
    version = make_version()
    row = ask(version)
    (held,) = claim(version)
    results.fail(request_id=row.pk, attempt=held.attempts, reason="busy")
    assert claim(version) == []


def test_a_request_that_lost_two_workers_runs_alone_and_then_dies_alone() -> None:
    version = make_version()
    suspect = ask(version)
    (held,) = claim(version)
    assert not held.alone
    (held,) = again(suspect, version)
    assert not held.alone
    others = [ask(version) for _ in range(2)]
    assert again(suspect, version)[0].pk == suspect.pk
    suspect.refresh_from_db()
    assert suspect.alone
    for _ in range(3):
        expire(suspect)
        claims.requeue_expired()
        suspect.refresh_from_db()
        if suspect.state == "failed":
            break
        SampleRequest.objects.filter(pk=suspect.pk).update(not_before=None)
        claim(version, room=1)
    assert suspect.state == "failed"
    assert "alone" in suspect.error
    assert {r.pk for r in claim(version)} == {r.pk for r in others}  # nobody else was blamed


def test_a_request_to_be_run_alone_waits_for_an_empty_engine_and_holds_back_the_rest() -> None:
    version = make_version()
    suspect, other = ask(version), ask(version)
    SampleRequest.objects.filter(pk=suspect.pk).update(losses=2)
    assert claim(version, empty=False) == []
    assert [r.pk for r in claim(version, empty=True)] == [suspect.pk]
    assert [r.pk for r in claim(version)] == [other.pk]


def test_a_waiting_request_is_cancelled_at_once_and_a_running_one_is_flagged() -> None:
    version = make_version()
    waiting = ask(version)
    assert sampling.cancel(request_id=waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert not sampling.cancel(request_id=waiting.pk)
    running = ask(version)
    claim(version)
    assert sampling.cancel(request_id=running.pk)
    assert claims.to_cancel(request_ids=[running.pk]) == {running.pk}


def test_a_worker_stops_what_it_runs_for_a_text_that_was_discarded() -> None:
    version = make_version()
    row, other = ask(version), ask(version)
    claim(version)
    sampling.empty(completion_ids=(), request_ids=[row.pk], text="[withdrawn]")
    assert claims.to_cancel(request_ids=[row.pk, other.pk]) == {row.pk}


def test_a_cancelled_request_whose_worker_died_ends_cancelled() -> None:
    version = make_version()
    row = ask(version)
    claim(version)
    sampling.cancel(request_id=row.pk)
    expire(row)
    claims.requeue_expired()
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_handing_back_costs_the_request_nothing() -> None:
    version = make_version()
    row = ask(version)
    (held,) = claim(version)
    assert results.give_back(request_id=row.pk, attempt=held.attempts)
    row.refresh_from_db()
    assert (row.state, row.losses, row.strikes, row.not_before) == ("queued", 0, 0, None)


@pytest.mark.django_db(transaction=True)
def test_racing_workers_never_claim_the_same_request() -> None:
    version = make_version()
    rows = [ask(version) for _ in range(30)]
    taken: list[UUID] = []
    start = threading.Barrier(4)

    def work(name: str) -> None:
        start.wait()
        try:
            while mine := claim(version, worker=name, room=2):
                taken.extend(r.pk for r in mine)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A worker that finds every row locked by others stops early; what is left is claimed afterwards.
    taken.extend(r.pk for r in claim(version, room=64))
    assert sorted(taken) == sorted(r.pk for r in rows)
    assert set(ModelVersion.objects.get(pk=version.pk).requests.values_list("attempts", flat=True)) == {1}
