"""A worker with the fake engine: rows in, completions out."""

from __future__ import annotations

import pytest

from sampler import sampling, streams
from tests.sampler.conftest import ask, ended, make_version, serving

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_request_ends_with_n_completions_and_their_provenance():
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
        assert row.logprob < 0
        assert row.prompt_tokens
        assert row.queue_ms is not None
        assert row.generation_ms is not None
    assert request.prompt_report["prompt_hash"]
    version.refresh_from_db()
    assert version.state == "serving"


def test_the_live_text_is_the_stored_text():
    version = make_version(location="delay=0.01")
    with serving("fake"):
        request = ended(ask(version, n=2, priority=0))
    texts, _, state = streams.snapshot(request.pk)
    assert state == "done"
    assert texts == [c.text for c in request.completions.order_by("index")]


def test_a_stopped_request_ends_cancelled_with_the_text_so_far():
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
