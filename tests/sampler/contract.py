"""The contract: what every engine does, whatever is behind it. Imports no Django: it is held on GPU machines too.

A module of tests makes a fixture `engine` and a class that inherits from `EngineContract`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TypeVar, Unpack

from common.shapes import Message
from sampler.engines.base import Delta, Ended, Engine, Event, Failed, Job, Returned, Started
from sampler.params import SamplingParams
from tests.sampler.fields import ParamFields

E = TypeVar("E", bound=Event)
LONG = [Message(role="user", content="Tell me a very long story about a fox, a river, a mill and the sea.")]


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


class EngineContract:
    def test_each_job_ends_once_with_n_samples_in_order(self, engine: Engine) -> None:
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

    def test_the_deltas_of_an_interactive_job_are_its_text(self, engine: Engine) -> None:
        one = job(n=2, interactive=True)
        events = run(engine, one)
        (end,) = only(events, Ended)
        for drawn in end.drawn:
            assert "".join(e.text for e in only(events, Delta) if e.index == drawn.index) == drawn.text

    def test_max_tokens_cuts_and_says_so(self, engine: Engine) -> None:
        (end,) = only(run(engine, job(max_tokens=3)), Ended)
        assert end.drawn[0].finish_reason == "length"
        assert end.drawn[0].completion_tokens == 3

    def test_a_cancelled_job_ends_soon_with_the_text_so_far(self, engine: Engine) -> None:
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

    def test_a_stop_string_ends_the_text_before_it(self, engine: Engine) -> None:
        (whole,) = only(run(engine, job(max_tokens=12, temperature=0)), Ended)
        text = whole.drawn[0].text
        stop = text.split()[2]
        (end,) = only(run(engine, job(max_tokens=12, temperature=0, stop=(stop,), interactive=True)), Ended)
        # Servers differ in whether the stop string itself is left in the text.
        assert end.drawn[0].finish_reason == "stop"
        assert len(end.drawn[0].text) < len(text)
        assert text.startswith(end.drawn[0].text.removesuffix(stop).rstrip())

    def test_a_prompt_beyond_the_context_limit_is_cut_by_a_recorded_rule_and_answered(self, engine: Engine) -> None:
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

    def test_the_users_side_can_be_written_and_the_way_is_recorded(self, engine: Engine) -> None:
        turns = [
            Message(role="user", content="Hello."),
            Message(role="assistant", content="Hello! How can I help you?"),
        ]
        events = run(engine, job(turns, writes="user", max_tokens=8))
        report = only(events, Started)[0].report
        assert report["writes"] == "user"
        assert report["way"]
        assert only(events, Ended)

    def test_giving_back_returns_every_job_and_leaves_none(self, engine: Engine) -> None:
        jobs = [job(max_tokens=200, n=2) for _ in range(3)]
        for one in jobs:
            engine.add(one)
        engine.step()
        returned = {e.job_id for e in engine.give_back()}
        assert returned == {one.id for one in jobs}
        assert engine.room().running == 0
        assert only(run(engine, job()), Ended)

    def test_it_says_where_its_texts_come_from(self, engine: Engine) -> None:
        facts = engine.provenance()
        assert {"engine", "versions", "weights_hash", "template_hash", "device", "dtype"} <= set(facts)
        assert engine.batching()["way"]
        assert engine.batching()["why"]

    def test_parameters_are_honoured_also_where_the_model_has_its_own(self, engine: Engine) -> None:
        """One candidate left at every step: hot draws with different seeds say the same."""
        if engine.provenance()["engine"] == "fake":  # it draws words, not tokens
            return
        (end,) = only(run(engine, job(n=3, temperature=1.5, top_k=1, max_tokens=6)), Ended)
        assert len({drawn.text for drawn in end.drawn}) == 1
        (end,) = only(run(engine, job(n=3, temperature=1.8, max_tokens=12)), Ended)
        assert len({drawn.text for drawn in end.drawn}) > 1

    def test_a_seed_that_is_recorded_draws_the_same_text_again(self, engine: Engine) -> None:
        (end,) = only(run(engine, job(n=2, temperature=1.2, max_tokens=8, seed=77)), Ended)
        seeds = [drawn.seed for drawn in end.drawn]
        assert seeds == [None, None] or len(set(seeds)) == 2, "an engine that has no seeds says so"
        if None not in seeds:
            (again,) = only(run(engine, job(n=2, temperature=1.2, max_tokens=8, seed=77)), Ended)
            assert [drawn.text for drawn in again.drawn] == [drawn.text for drawn in end.drawn]

    def test_what_is_told_of_a_sample_is_true_or_not_told(self, engine: Engine) -> None:
        (end,) = only(run(engine, job(n=2, max_tokens=4)), Ended)
        for drawn in end.drawn:
            assert drawn.logprob is None or drawn.logprob < 0
            assert drawn.completion_tokens is None or drawn.completion_tokens <= 4
            assert drawn.reasoning == ""
            if drawn.params is not None:
                assert drawn.params["n"] == 1
                assert drawn.params["seed"] == drawn.seed
