"""A worker with the fake engine: rows in, completions out."""

from __future__ import annotations

import asyncio
import time

import pytest
from pytest_django import Settings

from sampler import sampling, status, streams
from sampler.models import SampleRequest
from sampler.worker import Worker
from tests.sampler.conftest import ask, ended, make_version, serving

pytestmark = pytest.mark.django_db(transaction=True)
TURNS = "labeling.tasks.store_replies"


def test_a_request_ends_with_n_completions_and_their_provenance() -> None:
    version = make_version()
    with serving("fake") as worker:
        request = ask(version, n=3, params={"max_tokens": 8})
        worker.ring()
        request = ended(request)
    assert request.state == "done"
    rows = list(request.completions.all())
    assert [row.index for row in rows] == [0, 1, 2]
    assert len({row.text for row in rows}) == 3
    for row in rows:
        assert row.model_version_id == version.pk
        assert row.finish_reason in {"stop", "length"}
        assert row.provenance["engine"] == "fake"
        assert row.provenance["weights_hash"]
        assert row.provenance["template_hash"]
        assert row.seed is not None
        assert row.logprob is not None
        assert row.logprob < 0
        assert row.prompt_tokens
        assert row.queue_ms is not None
        assert row.generation_ms is not None
    assert request.prompt_report["prompt_hash"]
    version.refresh_from_db()
    assert version.state == "serving"


def test_the_live_text_is_the_stored_text() -> None:
    version = make_version(location="delay=0.01")
    with serving("fake"):
        request = ended(ask(version, n=2, priority=0))
    texts, _, state = streams.snapshot(request.pk)
    assert state == "done"
    assert texts == [c.text for c in request.completions.order_by("index")]


def test_whoever_makes_something_of_a_reply_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("sampler.doorbells.app.send_task", lambda name, *more, **options: told.append(name))
    version = make_version()
    with serving("fake"):
        ended(ask(version, priority=0))
        ended(ask(version))  # nobody waits for this one
        until = time.monotonic() + 60
        while TURNS not in told and time.monotonic() < until:
            time.sleep(0.01)
    assert told.count(TURNS) == 1


def test_a_stopped_request_ends_cancelled_with_the_text_so_far() -> None:
    version = make_version(location="delay=0.02&tokens=500")
    with serving("fake") as worker:
        request = ask(version, priority=0, params={"max_tokens": 500})
        worker.ring()
        while not streams.snapshot(request.pk)[0]:
            pass
        assert sampling.cancel(request_id=request.pk)
        worker.ring()
        request = ended(request)
    assert request.state == "cancelled"
    completion = request.completions.get()
    assert completion.finish_reason == "cancelled"
    assert completion.text


def test_a_poisoned_request_fails_alone_with_its_reason(settings: Settings) -> None:
    settings.SAMPLER_RETRY_SECONDS = 0.02
    version = make_version(location="fail=poison&delay=0.002")
    with serving("fake") as worker:
        good = [ask(version) for _ in range(6)]
        bad = ask(version, "this is poison")
        worker.ring()
        bad = ended(bad)
        good = [ended(row) for row in good]
    assert bad.state == "failed"
    assert "'poison'" in bad.error
    assert bad.strikes == settings.SAMPLER_MAX_ATTEMPTS
    assert {row.state for row in good} == {"done"}
    assert {row.strikes for row in good} == {0}


def test_a_request_that_breaks_the_whole_batch_ends_up_alone_and_fails_alone(settings: Settings) -> None:
    settings.SAMPLER_RETRY_SECONDS = 0.02
    version = make_version(location="crash=boom&delay=0.002&slots=8")
    with serving("fake") as worker:
        rows = [ask(version) for _ in range(5)]
        bad = ask(version, "boom")
        worker.ring()
        bad = ended(bad)
        rows = [ended(row) for row in rows]
    assert bad.state == "failed"
    assert "boom" in bad.error
    assert {row.state for row in rows} == {"done"}


def test_a_model_that_cannot_be_loaded_says_why_and_fails_what_waits() -> None:
    version = make_version(location="broken=The disk is gone.")
    with serving("fake") as worker:
        row = ask(version)
        worker.ring()
        row = ended(row)
    version.refresh_from_db()
    assert version.state == "failed"
    assert version.state_reason == "The disk is gone."
    assert row.state == "failed"
    assert "The disk is gone." in row.error


@pytest.mark.alone
def test_sigterm_lets_running_requests_end_within_the_grace(settings: Settings) -> None:
    settings.SAMPLER_GRACE_SECONDS = 10
    version = make_version(location="delay=0.02&tokens=20")
    with serving("fake") as worker:
        rows = [ask(version) for _ in range(4)]
        wait_until_running(rows, worker)
        late = None
        worker.stop()
        late = ask(version)
    for row in rows:
        row.refresh_from_db()
    late.refresh_from_db()
    assert {row.state for row in rows} == {"done"}
    assert late.state == "queued"


@pytest.mark.alone
def test_what_does_not_end_within_the_grace_is_handed_back_at_no_cost(settings: Settings) -> None:
    settings.SAMPLER_GRACE_SECONDS = 0.2
    version = make_version(location="delay=0.05&tokens=400")
    with serving("fake") as worker:
        row = ask(version, params={"max_tokens": 400})
        wait_until_running([row], worker)
    row.refresh_from_db()
    assert row.state == "queued"
    assert (row.losses, row.strikes) == (0, 0)
    assert row.completions.count() == 0


def test_interactive_requests_go_before_background_ones_that_wait() -> None:
    version = make_version(location="delay=0.02&slots=4&reserve=1&tokens=100")
    background = [ask(version, params={"max_tokens": 100}) for _ in range(40)]
    with serving("fake") as worker:
        wait_until_running(background[:2], worker)
        quick = ask(version, priority=0, params={"max_tokens": 5})
        worker.ring()
        quick = ended(quick)
        waiting = SampleRequest.objects.filter(state="queued", priority=10).count()
        for row in background:
            sampling.cancel(request_id=row.pk)
    assert quick.state == "done"
    assert waiting > 20


def test_the_least_recently_used_model_is_unloaded_when_memory_is_short() -> None:
    first, second = make_version("one"), make_version("two")
    with serving(memory_limit=1) as worker:
        ended(ask(first))
        assert [s.slug for s in worker.models.all()] == ["one"]
        row = ask(second)
        worker.ring()
        assert ended(row).state == "done"
        assert [s.slug for s in worker.models.all()] == ["two"]
        row = ask(first)
        worker.ring()
        assert ended(row).state == "done"


def test_who_asks_late_for_what_was_just_loaded_does_not_push_its_work_out() -> None:
    version = make_version(location="delay=0.02&tokens=20")
    with serving("fake") as worker:
        row = ask(version)
        worker.ring()
        wait_until_running([row], worker)
        (model,) = worker.models.all()
        worker.models.want(version)  # the feeder had looked just before the loader put it there
        assert not worker.models.still_loading
        assert worker.models.all() == [model]
        assert ended(row).state == "done"


def test_every_text_can_be_drawn_again_from_its_stored_seed() -> None:
    version = make_version()
    with serving("fake") as worker:
        first = ended(ask(version, n=2))
        seed = first.completions.order_by("index")[0].params["seed"]
        assert seed is not None
        second = ask(version, n=2, params={"seed": first.pk.int % 2**63})
        worker.ring()
        second = ended(second)
    texts = [[c.text for c in row.completions.order_by("index")] for row in (first, second)]
    assert texts[0] == texts[1]


def test_a_worker_reports_itself_while_it_lives() -> None:
    make_version()
    with serving("fake") as worker:
        deadline = time.monotonic() + 60
        while not (mine := [w for w in status.workers() if w["name"] == worker.name]):
            assert time.monotonic() < deadline
        assert mine[0]["serves"] == ["fake"]
        assert mine[0]["age"] < 60
    assert not [w for w in status.workers() if w["name"] == worker.name]


def test_a_lost_stream_is_read_from_the_row_instead() -> None:
    version = make_version()
    with serving("fake"):
        row = ended(ask(version, n=2, priority=0))
    streams.client().delete(streams.key(row.pk))

    async def read() -> list[streams.Fields]:
        return [fields async for _, fields in streams.follow(row.pk)]

    entries = asyncio.run(read())
    assert entries[0] == {"reset": 1}
    assert [e["t"] for e in entries[1:-1]] == [c.text for c in row.completions.order_by("index")]
    assert entries[-1] == {"end": "done"}


def wait_until_running(rows: list[SampleRequest], worker: Worker) -> None:
    worker.ring()
    deadline = time.monotonic() + 60
    while SampleRequest.objects.filter(pk__in=[r.pk for r in rows], state="running").count() < len(rows):
        assert time.monotonic() < deadline
        time.sleep(0.01)
