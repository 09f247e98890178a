"""Every named way in which a model server misbehaves ends in the right state, with words for operators.

What trainers read instead of these words is in test_failures.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from common.shapes import JsonObject, Message
from sampler.engines import _patience, openai
from sampler.engines.base import Delta, Ended, Event, Failed, Job, Spec, Started
from sampler.params import Drawn, SamplingParams
from tests.stand_ins.misbehaviours import MISBEHAVIOURS
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.refusals import SECRET_WORDS

TALK = [
    Message(role="system", content="Be brief."),
    Message(role="user", content="Hello."),
    Message(role="assistant", content="Hello! How can I help?"),
    Message(role="user", content="Tell me of rivers."),
]


@dataclass(frozen=True)
class Answered:
    """It ends with an answer. Where `text` is empty, the server's usual one."""

    text: str = ""
    finish: str = "stop"
    requests: int = 1


@dataclass(frozen=True)
class Fails:
    """It fails; `words` are read by operators. `retry`: the worker tries again, a bounded number of times."""

    words: str
    retry: bool = True
    partial: str = ""
    requests: int = 1


FINAL = False
EXPECTED: dict[str, Answered | Fails] = {
    # HTTP alone
    "internal-error": Fails(SECRET_WORDS, requests=3),
    "overloaded": Fails("HTTP 503"),
    "busy": Fails("HTTP 429"),
    "busy-with-a-time": Fails("HTTP 429"),
    "bad-gateway-html": Fails("HTTP 502"),
    "gateway-timeout": Fails("HTTP 504"),
    "key-refused": Fails("HTTP 401", FINAL),
    "forbidden": Fails("HTTP 403", FINAL),
    "model-unknown": Fails("does not exist", FINAL),
    "server-words": Fails(SECRET_WORDS, FINAL),
    "unprocessable": Fails("HTTP 422", FINAL),
    "redirect": Fails("HTTP 307", FINAL),
    "html-instead-of-a-stream": Fails("200 with text/html instead of a stream: <!doctype html>", FINAL),
    "json-instead-of-a-stream": Fails("200 with application/json instead of a stream", FINAL),
    "wrong-content-type": Fails("200 with text/plain instead of a stream", FINAL),
    "error-with-200": Fails(SECRET_WORDS, requests=3),
    "empty-200": Fails("without the samples", FINAL, requests=3),
    "closes-without-a-word": Fails("RemoteProtocolError", requests=3),
    "breaks-off-before-text": Fails("RemoteProtocolError", requests=3),
    "breaks-off-in-the-text": Fails("RemoteProtocolError", partial="half a "),
    "never-answers": Fails("ReadTimeout"),
    "falls-silent": Fails("ReadTimeout", partial="half a "),
    # Ends that are none
    "end-without-reason": Fails("ended without a finish_reason", partial="half a word"),
    "done-without-reason": Fails("ended without a finish_reason", partial="half a "),
    "aborted": Fails("ended with 'abort'", partial="half a "),
    "error-in-the-stream": Fails(SECRET_WORDS, partial="half a "),
    "error-before-text": Fails("EngineDeadError", requests=3),
    "not-json": Fails("not JSON", partial="half a "),
    # Ends of another kind
    "content-filter": Answered("I would", "content_filter"),
    "tool-calls": Answered("", "tool_calls"),
    "reasoning-alone": Answered("", "reasoning"),
    "reasoning-then-answer": Answered("Yes."),
    # Shapes
    "choices-null": Answered("well said"),
    "nulls-everywhere": Answered("well said"),
    "content-in-parts": Answered("well said"),
    "line-separator-in-the-text": Answered("well\u2028said\u0085so"),
    "comments-and-crlf": Answered("well said"),
    "a-character-in-two-packets": Answered("Größe 🦊"),
    "half-a-surrogate-pair": Answered("a\ufffdb"),
    "text-after-the-end": Answered("well said"),
    "end-said-twice": Answered("well said"),
    "index-out-of-range": Answered("well said"),
    "no-usage-no-logprobs": Answered("well said"),
    "ignores-the-limit": Answered("word " * 45),
    # Refusals with a way out
    "system-role-refused": Answered(requests=2),
    "system-role-refused-by-jinja": Answered(requests=2),
    "roles-must-alternate": Answered(),
    "too-long-as-vllm-says": Answered(),
    "too-long-as-sglang-says": Answered(),
    "too-long-without-numbers": Answered(),
    "too-large-413": Answered(),
    "never-short-enough": Fails("does not fit, however it is cut", FINAL, requests=7),
    "max-tokens-refused": Answered(requests=2),
    "logprobs-refused": Answered(requests=2),
    "stream-options-refused": Answered(requests=2),
    "token-ids-refused": Answered(requests=2),
    "top-k-refused": Fails("refuses top_k, which shapes what is drawn", FINAL),
    "temperature-refused": Fails("refuses temperature, which shapes what is drawn", FINAL),
}
SILENT = {"never-answers", "falls-silent"}  # what ends only because somebody waits no longer
OF_SEVERAL_SAMPLES = {"ignores-n", "samples-in-turns", "one-sample-without-reason"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setattr(_patience, "PAUSES", (0.01,))
    monkeypatch.setattr(openai, "TIMEOUT", httpx.Timeout(60.0, pool=None))
    made = ModelServer("vllm")
    yield made
    made.close()


@pytest.fixture
def engine(server: ModelServer) -> Iterator[openai.OpenAIEngine]:
    made = openai.ENGINE.load(Spec("remote", location=server.url))
    made.server.outage = 60.0
    yield made
    made.close()


def run(
    engine: openai.OpenAIEngine, talk: list[Message] = TALK, *, n: int = 1, writes: str = "assistant"
) -> list[Event]:
    job = Job(uuid.uuid4(), talk, SamplingParams(n=n, max_tokens=40, seed=3, temperature=0.7), writes)
    engine.add(job)
    events: list[Event] = []
    while not any(isinstance(event, Ended | Failed) for event in events):
        events += engine.step()
    assert engine.room().running == 0
    return events


def be_impatient(engine: openai.OpenAIEngine, name: str) -> None:
    """Where nothing else ends it; a server that does answer may be as slow as the machine is."""
    if name in SILENT:
        engine.server.client.timeout = httpx.Timeout(2.0, pool=None)


def drawn(events: list[Event]) -> tuple[Drawn, ...]:
    failures = [event.reason for event in events if isinstance(event, Failed)]
    assert not failures
    return next(event.drawn for event in events if isinstance(event, Ended))


def report(events: list[Event]) -> dict[str, object]:
    return dict([event.report for event in events if isinstance(event, Started)][-1])


def messages(body: JsonObject) -> list[Message]:
    found = body["messages"]
    assert isinstance(found, list)
    return [Message(role=str(m["role"]), content=str(m["content"])) for m in found if isinstance(m, dict)]


def test_every_name_has_an_expectation() -> None:
    assert len(MISBEHAVIOURS) >= 60
    assert set(EXPECTED) | OF_SEVERAL_SAMPLES == set(MISBEHAVIOURS)


@pytest.mark.parametrize("name", sorted(n for n, e in EXPECTED.items() if isinstance(e, Answered)))
def test_it_ends_with_an_answer(server: ModelServer, engine: openai.OpenAIEngine, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Answered)
    long = [Message(role="user", content="rivers " * 200)] if name.startswith("too-l") else TALK
    server.misbehave(name)
    events = run(engine, long)
    (one,) = drawn(events)
    assert one.finish_reason == expected.finish
    if expected.text or expected.finish != "stop":
        assert one.text == expected.text
    assert "".join(e.text for e in events if isinstance(e, Delta)) == one.text
    if not name.startswith("too-l"):
        assert len(server.bodies()) == expected.requests


@pytest.mark.parametrize("name", sorted(n for n, e in EXPECTED.items() if isinstance(e, Fails)))
def test_it_fails_with_words_for_operators(server: ModelServer, engine: openai.OpenAIEngine, name: str) -> None:
    expected = EXPECTED[name]
    assert isinstance(expected, Fails)
    be_impatient(engine, name)
    if expected.retry and expected.requests == 1:
        engine.server.outage = 0.3  # it is asked again until then
    server.misbehave(name)
    end = next(event for event in run(engine) if isinstance(event, Failed))
    assert expected.words in end.reason
    assert server.url in end.reason
    assert end.retry == expected.retry
    assert end.partial == ((expected.partial,) if expected.partial else ())
    if expected.requests > 1 or not expected.retry or expected.partial:
        assert len(server.bodies()) == expected.requests


@pytest.mark.parametrize(
    "name", sorted(n for n, e in EXPECTED.items() if isinstance(e, Fails) and e.retry and not e.partial)
)
def test_what_passes_is_waited_for(server: ModelServer, engine: openai.OpenAIEngine, name: str) -> None:
    be_impatient(engine, name)
    server.misbehave(name, "well")
    (one,) = drawn(run(engine))
    assert one.finish_reason == "stop"
    assert len(server.bodies()) == 2


def test_text_that_was_shown_is_not_drawn_again_in_the_same_try(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    server.misbehave("end-without-reason", "well")
    events = run(engine)
    assert [e.text for e in events if isinstance(e, Delta)] == ["half a ", "word"]
    assert next(e for e in events if isinstance(e, Failed)).retry
    assert drawn(run(engine))[0].finish_reason == "stop"


@pytest.mark.parametrize("name", ["ignores-n", "samples-in-turns"])
def test_several_samples_arrive_whole(server: ModelServer, engine: openai.OpenAIEngine, name: str) -> None:
    server.misbehave(name)
    found = drawn(run(engine, n=3))
    assert [one.index for one in found] == [0, 1, 2]
    assert len({one.text for one in found}) == 3
    server.misbehave("well")
    alone = [drawn(run(engine, n=3))[i].text for i in range(3)]
    assert [one.text for one in found] == alone, "the seeds are those that the server draws with, whichever way"


def test_a_sample_that_never_ends_fails_the_request(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.misbehave("one-sample-without-reason")
    end = next(event for event in run(engine, n=2) if isinstance(event, Failed))
    assert end.retry
    assert "without a finish_reason" in end.reason
    assert all(end.partial)


def test_a_system_turn_that_is_refused_is_merged_and_nothing_is_cut(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    server.misbehave("system-role-refused")
    events = run(engine)
    assert [m["role"] for m in messages(server.bodies()[-1])] == ["user", "assistant", "user"]
    assert messages(server.bodies()[-1])[0]["content"] == "Be brief.\n\nHello."
    assert report(events)["turns_cut"] == 0
    assert report(events)["system"] == "merged into the first user turn"
    run(engine)
    assert len(server.bodies()) == 3, "it is remembered"


def test_turns_of_one_role_are_merged_and_that_is_recorded(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.misbehave("roles-must-alternate")
    talk = [*TALK, Message(role="user", content="And of the sea."), Message(role="user", content="Now.")]
    events = run(engine, talk)
    assert messages(server.bodies()[-1])[-1]["content"] == "Tell me of rivers.\n\nAnd of the sea.\n\nNow."
    assert report(events)["turns_merged"] == 2
    assert report(events)["turns_cut"] == 0


@pytest.mark.parametrize("name", ["too-long-as-vllm-says", "too-long-as-sglang-says"])
def test_the_numbers_of_a_refusal_cut_no_more_than_has_to_be(server: ModelServer, name: str) -> None:
    server.dialect, server.owner = name.split("-")[3], name.split("-")[3]
    engine = openai.ENGINE.load(Spec("remote", location=server.url))
    talk = [TALK[0]]
    for number in range(12):
        talk += [
            Message(role="user", content=f"{number} " + "river " * 10),
            Message(role="assistant", content="sea " * 10),
        ]
    talk.append(Message(role="user", content="And?"))
    server.misbehave(name)
    events = run(engine, talk)
    engine.close()
    told = report(events)
    assert "oldest turns first" in str(told["rule"])
    assert len(messages(server.bodies()[-1])) >= 6, "600 of these tokens hold more than two pairs"
    assert len(server.bodies()) <= 4


def test_a_shaping_parameter_is_never_left_out(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.misbehave("top-k-refused")
    run(engine)
    assert all("top_k" in body for body in server.bodies())


def test_the_trace_of_a_reasoning_model_is_kept_apart(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.misbehave("reasoning-then-answer")
    (one,) = drawn(run(engine))
    assert (one.text, one.reasoning) == ("Yes.", "Hm.")
    assert (one.completion_tokens, one.reasoning_tokens) == (2, 3)


def test_the_users_side_is_opened_under_the_servers_own_template(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    events = run(engine, TALK[:3], writes="user")
    assert drawn(events)[0].text
    (asked,) = server.bodies("/v1/completions")
    assert str(asked["prompt"]).endswith("<|assistant|>Hello! How can I help?<|end|>\n<|user|>")
    assert asked["stop"] == ["<|end|>"]
    assert asked["add_special_tokens"] is False
    assert report(events)["way"] == "completions endpoint, open user header"
    assert report(events)["prompt_hash"]


def test_roles_are_swapped_where_a_server_does_not_tell_its_template(server: ModelServer) -> None:
    server.dialect = server.owner = "sglang"
    engine = openai.ENGINE.load(Spec("remote", location=server.url))
    events = run(engine, TALK[:3], writes="user")
    engine.close()
    assert [m["role"] for m in messages(server.bodies()[-1])] == ["system", "assistant", "user"]
    assert report(events)["way"] == "chat endpoint, swapped roles"


def test_a_prompt_is_hashed_only_where_the_server_tells_what_it_read(server: ModelServer) -> None:
    engine = openai.ENGINE.load(Spec("remote", location=server.url))
    told = report(run(engine))
    assert told["prompt_ids_hash"]
    assert told["counted"] == "by the server"
    engine.close()
    server.dialect, server.owner = "openai", "somebody"
    engine = openai.ENGINE.load(Spec("remote", location=server.url))
    told = report(run(engine))
    engine.close()
    assert "prompt_ids_hash" not in told
    assert told["prompt_hash"] == ""
    assert "does not report" in str(told["unhashed"])


def test_thinking_and_its_limit_go_to_the_server(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    params = SamplingParams(max_tokens=40, thinking=False, max_reasoning_tokens=200)
    engine.add(Job(uuid.uuid4(), TALK, params))
    while not any(isinstance(event, Ended | Failed) for event in engine.step()):
        pass
    (asked,) = server.bodies()
    assert asked["chat_template_kwargs"] == {"enable_thinking": False}
    assert asked["max_tokens"] == 240
