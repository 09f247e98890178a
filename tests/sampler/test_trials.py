"""Models that are tried before they are registered: by a worker, with the engine that would serve them."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from sampler import addresses, registry, status, trials
from sampler.models import ModelTrial, ModelVersion
from sampler.trials import Wanted
from tests.sampler.conftest import serving
from tests.stand_ins.model_server import ModelServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer("vllm")
    yield made
    made.close()


def tried(location: str, **more: str) -> ModelTrial:
    """Asked for, taken by a worker, and ended."""
    engine = "openai" if location.startswith("http") else "fake" if "=" in location else "hf"
    wanted: Wanted = {"slug": "new-one", "engine": engine, "location": location}
    wanted["remote_name"], wanted["api_key_env"] = more.get("name", ""), more.get("key", "")
    trial = trials.request(wanted=wanted)
    with serving():
        until = time.monotonic() + 90
        while trial.finished_at is None:
            assert time.monotonic() < until
            time.sleep(0.05)
            trial.refresh_from_db()
    return trial


def test_a_server_says_a_line_and_is_registered_as_it_was_tried(server: ModelServer) -> None:
    trial = tried(server.url)
    assert (trial.state, trial.trouble) == ("worked", "")
    assert trial.text
    assert trial.speaks == "vllm"
    assert trial.remote_name == server.model, "the only model that it has"
    assert trial.load_seconds is not None
    assert trial.answer_seconds is not None
    assert not ModelVersion.objects.exists()
    version, created = trials.register(trial=trial)
    assert created
    assert (version.slug, version.engine, version.location) == ("new-one", "openai", server.url)
    assert version.remote_name == server.model
    assert trials.register(trial=trial) == (version, False)


def test_an_engine_without_a_server_is_tried_alike() -> None:
    trial = tried("say=Well done&load=0.05")
    assert (trial.state, trial.text) == ("worked", "Well done")


def test_a_name_that_the_server_does_not_have_is_told_with_those_that_it_has(server: ModelServer) -> None:
    trial = tried(server.url, name="somebody-else")
    assert (trial.state, trial.trouble, trial.said) == ("failed", "name", "somebody-else")
    assert trial.offered == [server.model]


def test_a_server_that_is_away_or_refuses_the_key_is_told_apart(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.greeting = 401
    assert tried(server.url).trouble == "key"
    server.close()
    assert tried(server.url).trouble == "away"
    assert tried(server.url, key="NO_SUCH_VARIABLE_HERE").trouble == "key unset"
    assert tried("http://no-such-host.invalid/v1").trouble == "host"


def test_a_folder_without_weights_or_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert tried(str(tmp_path)).trouble == "weights"
    assert tried(str(tmp_path / "gone")).trouble == "folder"


def test_what_an_engine_says_when_it_cannot_load_or_answer_is_kept() -> None:
    broken = tried("broken=no luck")
    assert (broken.trouble, broken.said) == ("load", "no luck")
    assert tried("fail=sentence").trouble == "answer"


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]", "0.0.0.0"],
)
def test_addresses_of_the_clouds_own_services_are_refused_where_they_are_written(host: str) -> None:
    with pytest.raises(addresses.Refused):
        registry.check_location("openai", f"http://{host}/v1")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.8", "gpu1", "[::1]", "203.0.113.9"])
def test_private_addresses_are_where_model_servers_stand(host: str) -> None:
    registry.check_location("openai", f"http://{host}:8001/v1")


def test_a_name_that_stands_for_such_an_address_is_refused_by_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr("common.outgoing.socket.getaddrinfo", lambda *about, **more: found)
    assert tried("http://metadata.example/v1").trouble == "forbidden"


def test_a_trial_whose_worker_was_lost_is_ended_and_old_ones_are_removed() -> None:
    wanted: Wanted = {"slug": "a", "engine": "fake", "location": ""}
    old, lost = trials.request(wanted=wanted), trials.request(wanted=wanted)
    ModelTrial.objects.filter(pk=old.pk).update(created_at=timezone.now() - dt.timedelta(days=8))
    assert trials.claim(worker="first") is not None
    ModelTrial.objects.filter(pk=old.pk).update(state="waiting", worker="")
    claimed = trials.claim(worker="first")
    assert claimed is not None
    ModelTrial.objects.filter(pk=lost.pk).update(
        state="running", worker="gone", started_at=timezone.now() - dt.timedelta(hours=1)
    )
    trials.claim(worker="second")
    lost.refresh_from_db()
    assert (lost.state, lost.trouble) == ("failed", "lost")
    assert not trials.end(trial=lost, outcome={"text": "too late"})
    trials.request(wanted=wanted)
    assert not ModelTrial.objects.filter(pk=old.pk).exists()


def test_what_a_worker_that_stops_was_trying_is_ended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = trials.request(wanted={"slug": "a", "engine": "fake", "location": ""})
    going, go_on = threading.Event(), threading.Event()

    def never(trial: ModelTrial, models: object) -> trials.Outcome:
        going.set()
        go_on.wait(90)
        return {"text": "too late"}

    monkeypatch.setattr("sampler.trying.outcome_of", never)
    monkeypatch.setattr("sampler.worker.LAST_WORDS", 0.2)
    with serving():
        assert going.wait(60)
    trial.refresh_from_db()
    go_on.set()
    assert (trial.state, trial.trouble) == ("failed", "lost")


def test_what_a_killed_worker_was_trying_is_ended_once_it_is_silent() -> None:
    wanted: Wanted = {"slug": "a", "engine": "fake", "location": ""}
    silent, heard = trials.request(wanted=wanted), trials.request(wanted=wanted)
    long_ago = timezone.now() - dt.timedelta(minutes=1)
    for trial, worker in ((silent, "killed"), (heard, "at it")):
        ModelTrial.objects.filter(pk=trial.pk).update(state="running", worker=worker, started_at=long_ago)
    assert trials.claim(worker="other") is None
    silent.refresh_from_db()
    assert silent.state == "running", "Redis knows of no worker: nobody can tell"
    said: status.WorkerStatus = {
        "name": "at it", "at": time.time(), "serves": [], "loading": "", "stopping": False, "loaded": {},
        "held": 0, "metrics": {},
    }  # fmt: skip
    status.report(said)
    try:
        trials.claim(worker="other")
    finally:
        status.gone("at it")
    for trial, state in ((silent, "failed"), (heard, "running")):
        trial.refresh_from_db()
        assert trial.state == state
