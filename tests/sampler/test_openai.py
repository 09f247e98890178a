"""What the openai engine sends and reads. How long it waits is in test_openai_patience.py, what every engine does in
test_engines.py."""

from __future__ import annotations

import pytest

from common.shapes import JsonObject
from generation.checkpoints import CannotLoad
from sampler.engines import openai
from sampler.engines.base import Spec, Started
from tests.sampler.asking import answers, answers_one, failure, messages, run, says, texts
from tests.sampler.openai_fixtures import engine as engine
from tests.sampler.openai_fixtures import server as server
from tests.stand_ins.model_server import Handler, ModelServer


def test_a_refusal_is_final_and_told(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.script = [says(401, "the key has expired")]
    end = failure(run(engine))
    assert not end.retry
    assert "HTTP 401" in end.reason
    assert "the key has expired" in end.reason


def test_text_with_unusual_line_ends_comes_whole(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    """A stream is split at LF and CR only; Python's own idea of a line also ends at these."""
    text = "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven"

    def unusual(handler: Handler, body: JsonObject) -> None:
        handler.begin()
        handler.piece(text, finish="stop")

    server.script = [unusual]
    assert texts(run(engine)) == [text]


def test_an_event_over_several_lines_with_a_comment_is_read(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    def roundabout(handler: Handler, body: JsonObject) -> None:
        handler.begin()
        handler.wfile.write(b': waiting\r\n\r\nevent: x\r\ndata: {"choices":\r\n')
        handler.wfile.write(b'data: [{"delta": {"content": "whole"}, "finish_reason": "stop"}]}\r\n\r\n')

    server.script = [roundabout]
    assert texts(run(engine)) == ["whole"]


def test_an_answer_that_does_not_stream_is_a_refusal(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.script = [lambda handler, body: handler.say(200, {"choices": [{"message": {"content": "all at once"}}]})]
    end = failure(run(engine))
    assert not end.retry
    assert "instead of a stream" in end.reason


def test_a_redirect_is_not_followed(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.script = [says(307, "elsewhere", Location="http://127.0.0.1:9/v1/chat/completions")]
    assert not failure(run(engine)).retry
    assert len(server.bodies()) == 1


def test_a_prompt_that_proves_too_long_is_cut_until_it_fits(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    def short_ones(handler: Handler, body: JsonObject) -> None:
        length = sum(len(content) for _, content in messages(body))
        (answers if length < 2000 else says(400, "maximum context length is 512 tokens"))(handler, body)

    server.script = [short_ones]
    events = run(engine, text="a long story " * 400)
    assert texts(events) == ["well said"]
    report = [event.report for event in events if isinstance(event, Started)][-1]
    assert report["characters_cut"] > 0


def test_options_that_a_server_refuses_are_left_out_from_then_on(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    def strict(handler: Handler, body: JsonObject) -> None:
        (says(400, "unknown field logprobs") if "logprobs" in body else answers)(handler, body)

    server.script = [strict]
    assert texts(run(engine)) == ["well said"]
    assert texts(run(engine)) == ["well said"]
    assert ["logprobs" in body for body in server.bodies()] == [True, False, False]


def test_samples_that_a_server_leaves_out_are_asked_for_one_by_one(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    server.script = [answers_one]
    assert texts(run(engine, n=3)) == ["well said"] * 3
    assert [body.get("n", 1) for body in server.bodies()] == [3, 1, 1]
    seeds = [body["seed"] for body in server.bodies()]
    assert len(set(seeds)) == 3


def test_a_template_without_a_system_turn_gets_it_merged_into_the_first_user_turn(server: ModelServer) -> None:
    def no_system(handler: Handler, body: JsonObject) -> None:
        roles = [role for role, _ in messages(body)]
        (says(400, "System role not supported") if "system" in roles else answers)(handler, body)

    server.script = [no_system]
    engine = openai.ENGINE.load(Spec("remote", location=server.url, system_prompt="Be brief."))
    try:
        assert texts(run(engine)) == ["well said"]
    finally:
        engine.close()
    assert "Be brief." in messages(server.bodies()[-1])[0][1]


def test_a_server_that_refuses_the_key_is_not_loaded(server: ModelServer) -> None:
    server.greeting = 401
    with pytest.raises(CannotLoad, match="refuses the key"):
        openai.ENGINE.load(Spec("remote", location=server.url))


def test_a_key_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(CannotLoad, match="NO_SUCH_KEY"):
        openai.ENGINE.load(Spec("remote", location="http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY"))
