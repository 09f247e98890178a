"""The contract: what every engine of the folder does, whatever is behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, Unpack

import httpx
import pytest

from common.shapes import Message
from sampler.engines.base import ENGINES, Delta, Ended, Engine, Event, Failed, Job, Returned, Spec, Started
from sampler.params import SamplingParams
from tests.sampler.conftest import ParamFields
from tests.workers import free_port

E = TypeVar("E", bound=Event)
LONG = [Message(role="user", content="Tell me a very long story about a fox, a river, a mill and the sea.")]


@pytest.fixture(scope="session")
def server(smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenAI-compatible server with the real model: `transformers serve`."""
    port = free_port()
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(smollm2_path), "--device", "cpu"]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
    with log.open("w") as out:
        child = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=out, stderr=out, env=environment
        )
        try:
            until = time.monotonic() + 90
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health", timeout=2)
                    break
                except httpx.TransportError:
                    assert child.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=[pytest.mark.model] if n != "fake" else []) for n in ENGINES.choices()],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine in turn, loaded once."""
    name: str = request.param
    spec = Spec(slug="contract", context_limit=512)
    if name == "fake":
        spec = replace(spec, location="delay=0.002&tokens=400")
    elif name == "hf":
        spec = replace(
            spec, location=str(request.getfixturevalue("smollm2_path")),
            batching={"way": "continuous", "rows": 16, "why": "a test", "measured_on": "any"},
        )  # fmt: skip
    elif name == "openai":
        path = request.getfixturevalue("smollm2_path")
        spec = replace(spec, location=request.getfixturevalue("server"), remote_name=str(path))
    else:
        pytest.fail(f"Say here how the contract test loads {name!r}: a folder's file is an engine.")
    made = ENGINES.load(name).load(spec)
    yield made
    made.close()


def job(
    messages: list[Message] = LONG,
    *,
    interactive: bool = False,
    writes: str = "assistant",
    **params: Unpack[ParamFields],
) -> Job:
    wanted: ParamFields = {"max_tokens": 6, "seed": 11, **params}
    return Job(uuid.uuid4(), messages, SamplingParams(**wanted), writes, interactive)


def run(
    engine: Engine, *jobs: Job, timeout: float = 90.0, watch: Callable[[Event], None] = lambda event: None
) -> list[Event]:
    """Events until each job has ended."""
    for one in jobs:
        engine.add(one)
    left, end = {j.id for j in jobs}, time.monotonic() + timeout
    events: list[Event] = []
    while left:
        assert time.monotonic() < end, f"not ended: {left}"
        for event in engine.step():
            events.append(event)
            watch(event)
            if isinstance(event, Ended | Failed | Returned):
                left.discard(event.job_id)
    return events


def only(events: list[Event], kind: type[E], job_id: uuid.UUID | None = None) -> list[E]:
    return [e for e in events if isinstance(e, kind) and job_id in (None, e.job_id)]


def test_each_job_ends_once_with_n_samples_in_order(engine: Engine) -> None:
    jobs = [job(n=2, interactive=True), job(n=1)]
    events = run(engine, *jobs)
    for one in jobs:
        (end,) = only(events, Ended, one.id)
        assert [d.index for d in end.drawn] == list(range(one.params.n))
        assert len(only(events, Started, one.id)) == 1
        for drawn in end.drawn:
            assert drawn.text
            assert drawn.finish_reason in {"stop", "length"}
            assert drawn.prompt_tokens
    assert engine.room().running == 0


def test_the_deltas_of_an_interactive_job_are_its_text(engine: Engine) -> None:
    one = job(n=2, interactive=True)
    events = run(engine, one)
    (end,) = only(events, Ended)
    for drawn in end.drawn:
        assert "".join(e.text for e in only(events, Delta) if e.index == drawn.index) == drawn.text


def test_max_tokens_cuts_and_says_so(engine: Engine) -> None:
    (end,) = only(run(engine, job(max_tokens=3)), Ended)
    assert end.drawn[0].finish_reason == "length"
    assert end.drawn[0].completion_tokens == 3


def test_a_cancelled_job_ends_soon_with_the_text_so_far(engine: Engine) -> None:
    one = job(max_tokens=300, interactive=True)

    def stop_at_text(event: Event) -> None:
        if isinstance(event, Delta):
            engine.cancel(one.id)

    events = run(engine, one, watch=stop_at_text)
    (end,) = only(events, Ended)
    assert end.cancelled
    assert end.drawn[0].finish_reason == "cancelled"
    assert end.drawn[0].text == "".join(e.text for e in only(events, Delta))
    assert engine.room().running == 0


def test_a_stop_string_ends_the_text_before_it(engine: Engine) -> None:
    (whole,) = only(run(engine, job(max_tokens=12, temperature=0)), Ended)
    text = whole.drawn[0].text
    stop = text.split()[2]
    (end,) = only(run(engine, job(max_tokens=12, temperature=0, stop=(stop,), interactive=True)), Ended)
    # Servers differ in whether the stop string itself is left in the text.
    assert end.drawn[0].finish_reason == "stop"
    assert len(end.drawn[0].text) < len(text)
    assert text.startswith(end.drawn[0].text.removesuffix(stop).rstrip())


def test_a_prompt_beyond_the_context_limit_is_cut_by_a_recorded_rule_and_answered(engine: Engine) -> None:
    turns = [Message(role="system", content="Be brief.")]
    for number in range(60):
        turns.append(Message(role="user", content=f"Question {number}: how do rivers find their way to the sea?"))
        turns.append(Message(role="assistant", content="They follow the slope of the land, always downwards."))
    turns.append(Message(role="user", content="And why?"))
    events = run(engine, job(turns))
    report = only(events, Started)[-1].report
    assert report["turns_cut"] > 0
    assert "oldest turns first" in report["rule"]
    assert report["tokens"] + report["max_tokens"] <= 512
    assert report["prompt_hash"] or report["unhashed"]
    assert only(events, Ended)[0].drawn[0].text


def test_the_users_side_can_be_written_and_the_way_is_recorded(engine: Engine) -> None:
    turns = [Message(role="user", content="Hello."), Message(role="assistant", content="Hello! How can I help you?")]
    events = run(engine, job(turns, writes="user", max_tokens=8))
    report = only(events, Started)[0].report
    assert report["writes"] == "user"
    assert report["way"]
    assert only(events, Ended)


def test_giving_back_returns_every_job_and_leaves_none(engine: Engine) -> None:
    jobs = [job(max_tokens=200, n=2) for _ in range(3)]
    for one in jobs:
        engine.add(one)
    engine.step()
    returned = {e.job_id for e in engine.give_back()}
    assert returned == {one.id for one in jobs}
    assert engine.room().running == 0
    assert only(run(engine, job()), Ended)


def test_it_says_where_its_texts_come_from(engine: Engine) -> None:
    facts = engine.provenance()
    assert {"engine", "versions", "weights_hash", "template_hash", "device", "dtype"} <= set(facts)
    assert engine.batching()["way"]
    assert engine.batching()["why"]


def test_parameters_are_honoured_also_where_the_model_has_its_own(engine: Engine) -> None:
    """One candidate left at every step: hot draws with different seeds say the same."""
    if engine.provenance()["engine"] == "fake":  # it draws words, not tokens
        return
    (end,) = only(run(engine, job(n=3, temperature=1.5, top_k=1, max_tokens=6)), Ended)
    assert len({drawn.text for drawn in end.drawn}) == 1
    (end,) = only(run(engine, job(n=3, temperature=1.8, max_tokens=12)), Ended)
    assert len({drawn.text for drawn in end.drawn}) > 1


def test_a_seed_that_is_recorded_draws_the_same_text_again(engine: Engine) -> None:
    (end,) = only(run(engine, job(n=2, temperature=1.2, max_tokens=8, seed=77)), Ended)
    seeds = [drawn.seed for drawn in end.drawn]
    assert seeds == [None, None] or len(set(seeds)) == 2, "an engine that has no seeds says so"
    if None not in seeds:
        (again,) = only(run(engine, job(n=2, temperature=1.2, max_tokens=8, seed=77)), Ended)
        assert [drawn.text for drawn in again.drawn] == [drawn.text for drawn in end.drawn]


def test_what_is_told_of_a_sample_is_true_or_not_told(engine: Engine) -> None:
    (end,) = only(run(engine, job(n=2, max_tokens=4)), Ended)
    for drawn in end.drawn:
        assert drawn.logprob is None or drawn.logprob < 0
        assert drawn.completion_tokens is None or drawn.completion_tokens <= 4
        assert drawn.reasoning == ""
        if drawn.params is not None:
            assert drawn.params["n"] == 1
            assert drawn.params["seed"] == drawn.seed
