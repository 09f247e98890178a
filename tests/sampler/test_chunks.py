"""Chunks of a stream, as servers were seen to send them."""

from __future__ import annotations

import json

import pytest

from sampler.engines._chunks import Piece, read


def chunk(**fields: object) -> str:
    return json.dumps(fields)


def choice(**fields: object) -> str:
    return chunk(choices=[{"index": 0, **fields}])


@pytest.mark.parametrize(
    "data",
    [
        chunk(choices=None, usage={"completion_tokens": 3}),
        chunk(choices=[]),
        chunk(choices=[None]),
        chunk(usage=None),
        chunk(),
        "null",
        "[]",
        '"text"',
        "3",
    ],
)
def test_chunks_that_say_nothing_of_an_answer_are_read_over(data: str) -> None:
    assert read(data).pieces == ()


@pytest.mark.parametrize("delta", [None, {}, {"role": "assistant"}, {"content": None}, {"content": []}])
def test_an_empty_delta_is_an_empty_piece(delta: object) -> None:
    assert read(choice(delta=delta)).pieces == (Piece(),)


def test_an_index_that_is_null_is_the_first() -> None:
    data = chunk(choices=[{"index": None, "delta": {"content": "a"}, "finish_reason": None, "logprobs": None}])
    assert read(data).pieces == (Piece(0, "a"),)


def test_content_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}, {"type": "image_url"}, None]
    assert read(choice(delta={"content": parts})).pieces == (Piece(0, "a b"),)


def test_thinking_in_parts_is_kept_apart() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]
    assert read(choice(delta={"content": parts})).pieces == (Piece(0, "yes", "hm"),)


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_the_trace_of_a_reasoning_model_is_kept_apart(key: str) -> None:
    assert read(choice(delta={"content": None, key: "hm"})).pieces == (Piece(0, "", "hm"),)


def test_a_trace_under_both_names_is_taken_once() -> None:
    assert read(choice(delta={"reasoning": "hm", "reasoning_content": "hm"})).pieces == (Piece(0, "", "hm"),)


@pytest.mark.parametrize(
    ("word", "ours"),
    [("stop", "stop"), ("eos", "stop"), ("length", "length"), ("content_filter", "content_filter"),
     ("tool_calls", "tool_calls"), ("function_call", "tool_calls"), ("abort", "abort"), (None, ""), ({}, ""),
     ({"type": "abort", "message": "x"}, "abort"), ({"type": "length", "length": 3}, "length")],
)  # fmt: skip
def test_ends_have_our_names_and_others_keep_their_own(word: object, ours: str) -> None:
    assert read(choice(delta={"content": "a"}, finish_reason=word)).pieces[0].finish == ours


def test_logprobs_are_summed_and_nulls_among_them_left_out() -> None:
    content = [{"token": "a", "logprob": -1.0}, {"token": "b", "logprob": None}, {"token": "c", "logprob": -0.5}]
    (piece,) = read(choice(delta={"content": "abc"}, logprobs={"content": content})).pieces
    assert (piece.logprob, piece.tokens) == (-1.5, 2)
    assert read(choice(delta={"content": "a"}, logprobs={"content": None})).pieces[0].logprob is None


def test_the_completions_endpoint_is_read_too() -> None:
    data = choice(text="and", finish_reason="stop", logprobs={"token_logprobs": [-0.25, None], "tokens": ["and", ""]})
    assert read(data).pieces == (Piece(0, "and", "", "stop", -0.25, 1),)


def test_usage_is_read_and_the_tokens_of_a_trace_are_counted_apart() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 4}}
    found = read(chunk(choices=[], usage=usage))
    assert (found.prompt_tokens, found.completion_tokens, found.reasoning_tokens) == (9, 7, 4)
    assert read(chunk(usage={"prompt_tokens": None})).prompt_tokens is None


def test_the_prompts_tokens_are_read_wherever_a_server_puts_them() -> None:
    assert read(chunk(choices=[], prompt_token_ids=[1, 2])).prompt_ids == (1, 2)
    assert read(choice(text="", prompt_token_ids=[3])).prompt_ids == (3,)
    assert read(choice(delta={"content": "a"}, prompt_token_ids=None)).prompt_ids is None


def test_an_error_in_the_stream_is_kept_as_the_server_said_it() -> None:
    found = read(chunk(error={"message": "engine dead", "code": 500}))
    assert json.loads(found.error) == {"error": {"message": "engine dead", "code": 500}}


def test_a_line_separator_inside_the_text_is_text() -> None:
    assert read('{"choices":[{"delta":{"content":"a\u2028b"}}]}').pieces == (Piece(0, "a\u2028b"),)
