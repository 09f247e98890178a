"""What a reasoning model says before it answers is kept apart from the answer, counted apart, and limited apart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

import pytest

from common.shapes import Message
from generation.rendering import ChatTemplate
from generation.text_stream import TextStream
from sampler.engines import openai
from sampler.engines._entries import Entry, Row, Thinking
from sampler.engines.base import Ended, Failed, Job, Spec
from sampler.params import Drawn, SamplingParams
from tests.stand_ins.model_server import ModelServer
from tests.stand_ins.refusals import unless

OPENS, CLOSES, END = 90, 91, 92
THINKS = Thinking(OPENS, CLOSES)


def decode(ids: list[int]) -> str:
    return "".join(chr(97 + token) for token in ids if token < 26)


def draw(tokens: list[int], *, inside: bool = False, limit: int = 100, apart: int = 0) -> Drawn:
    """One sample that takes these tokens, as far as its limits let it."""
    params = SamplingParams(max_tokens=limit, max_reasoning_tokens=apart)
    entry = Entry(Job(uuid.uuid4(), [], params))
    row = Row(entry, 0, 0, limit, TextStream(decode, ()), THINKS, reasoning=inside)
    shown = ""
    for token in tokens:
        text, reason = row.take(token, -0.5, frozenset({END}))
        shown += text
        if reason:
            break
    drawn, rest = row.finish(reason or "cancelled", decode)
    assert shown + (rest.text if rest else "") == drawn.text, "nothing of the trace is shown"
    return drawn


def test_a_trace_is_kept_apart_and_counted_apart() -> None:
    one = draw([OPENS, 0, 1, CLOSES, 2, 3, 4, END])
    assert (one.reasoning, one.text, one.finish_reason) == ("ab", "cde", "stop")
    assert (one.reasoning_tokens, one.completion_tokens) == (2, 4)


def test_a_prompt_may_end_inside_the_trace() -> None:
    one = draw([0, 1, CLOSES, 2, END], inside=True)
    assert (one.reasoning, one.text) == ("ab", "c")
    assert THINKS.open_at_the_end_of([1, OPENS, 5])
    assert not THINKS.open_at_the_end_of([1, OPENS, 5, CLOSES, 6])
    assert not THINKS.open_at_the_end_of([1, 2])


def test_an_answer_of_reasoning_alone_ends_with_that_reason() -> None:
    assert draw([OPENS, 0, 1, 2, 3], limit=4).finish_reason == "reasoning"
    assert draw([OPENS, 0, 1, CLOSES, END]).finish_reason == "reasoning"


def test_the_trace_has_a_limit_of_its_own() -> None:
    one = draw([OPENS, 0, 1, 2, 3, 4, 5], limit=2, apart=4)
    assert (one.finish_reason, one.reasoning_tokens) == ("reasoning", 4)
    one = draw([OPENS, 0, 1, 2, CLOSES, 3, 4, 5], limit=2, apart=4)
    assert (one.finish_reason, one.text, one.completion_tokens) == ("length", "de", 2)


def test_a_model_that_does_not_reason_is_counted_as_before() -> None:
    one = draw([0, 1, 2], limit=3)
    assert (one.text, one.finish_reason, one.completion_tokens, one.reasoning_tokens) == ("abc", "length", 3, None)


class Words:
    """A tokenizer whose template has thinking as an argument."""

    chat_template = "own"
    eos_token_id = pad_token_id = 0
    eos_token = pad_token = ""

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [ord(c) for c in text]}

    def apply_chat_template(self, conversation: list[Message], *, enable_thinking: bool = True, **rest: object) -> str:
        return "".join(m["content"] for m in conversation) + ("<think>" if enable_thinking else "<think></think>")


def test_thinking_is_an_argument_of_the_template() -> None:
    talk = [Message(role="user", content="Why?")]
    hashes = {
        thinking: ChatTemplate(Words()).render(talk, max_tokens=5, thinking=thinking).report["prompt_hash"]  # type: ignore[arg-type]
        for thinking in (None, True, False)
    }
    assert hashes[None] == hashes[True] != hashes[False]
    version = ChatTemplate(Words(), arguments={"enable_thinking": False})  # type: ignore[arg-type]
    assert version.render(talk, max_tokens=5).report["prompt_hash"] == hashes[False]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    made = ModelServer("vllm")
    yield made
    made.close()


def test_a_limit_of_reasoning_alone_goes_to_a_server_that_has_one(server: ModelServer) -> None:
    """vLLM has one where it was started with a reasoning parser; elsewhere it is recorded that nothing limits it."""
    engine = openai.ENGINE.load(Spec("remote", location=server.url))
    used = used_by(engine)
    assert server.bodies()[-1]["thinking_token_budget"] == 200
    assert used["max_reasoning_tokens"] == 200
    words = "thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-config."
    server.script = [unless(lambda body: "thinking_token_budget" in body, 400, words)]
    used = used_by(engine)
    engine.close()
    assert "thinking_token_budget" not in server.bodies()[-1]
    assert used["max_reasoning_tokens"] == "200, within max_tokens: this server limits no reasoning alone"


def used_by(engine: openai.OpenAIEngine) -> Mapping[str, object]:
    """The parameters that a sample was drawn with."""
    params = SamplingParams(max_tokens=40, max_reasoning_tokens=200)
    engine.add(Job(uuid.uuid4(), [Message(role="user", content="Why?")], params))
    while True:
        for event in engine.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Ended):
                return event.drawn[0].params or {}
