"""What may be asked for, and which model versions there are."""

from __future__ import annotations

import pytest

from sampler import registry
from sampler.params import SamplingParams
from tests.sampler.conftest import RequestFields, ask, make_version

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"params": {"temperature": -1}}, "temperature"),
        ({"params": {"heat": 1}}, "heat"),
        ({"n": 65}, "n must"),
        ({"params": {"stop": [""]}}, "stop"),
        ({"params": {"max_tokens": True}}, "max_tokens"),
        ({"params": {"top_p": float("nan")}}, "top_p"),
    ],
)
def test_wrong_parameters_are_refused_with_a_sentence(fields: RequestFields, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ask(make_version(), **fields)


def test_parameters_not_given_are_the_model_versions_own() -> None:
    version = make_version(default_params={"temperature": 0.5, "max_tokens": 7})
    row = ask(version, params={"max_tokens": 9})
    assert SamplingParams.from_dict(row.params).temperature == 0.5
    assert row.params["max_tokens"] == 9


def test_a_retired_model_version_takes_no_requests_and_drops_those_that_wait() -> None:
    version = make_version()
    row = ask(version)
    assert registry.retire(model_version=version)
    row.refresh_from_db()
    assert row.state == "cancelled"
    with pytest.raises(ValueError, match="retired"):
        ask(version)
    assert registry.serve(model_version=version)
    version.refresh_from_db()
    ask(version)


def test_a_slug_stands_for_one_checkpoint_only() -> None:
    make_version("one", "tokens=3")
    assert registry.register_model(slug="one", engine="fake", location="tokens=3")[1] is False
    with pytest.raises(ValueError, match="new slug"):
        make_version("one", "tokens=4")


@pytest.mark.parametrize(
    ("engine", "location"),
    [("hf", ""), ("openai", "ftp://x/v1"), ("openai", "http://user:secret@host/v1"), ("none", "x"), ("openai", "")],
)
def test_a_location_that_no_worker_could_load_is_refused(engine: str, location: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        registry.register_model(slug="bad", engine=engine, location=location)


def test_weights_that_changed_under_their_name_are_refused() -> None:
    version = make_version()
    registry.mark_loaded(model_version_id=version.pk, weights_hash="a" * 64, template_hash="", batching={})
    with pytest.raises(ValueError, match="changed"):
        registry.mark_loaded(model_version_id=version.pk, weights_hash="b" * 64, template_hash="", batching={})
