"""Ways in which model servers, and the proxies before them, were seen to misbehave: one name, one function.

Each answers one request. What the engine has to make of each is in `tests/sampler/test_misbehaviours.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from common.shapes import JsonObject
from tests.stand_ins.model_server import Answer, Handler, answer_well, limit_of, texts_of
from tests.stand_ins.refusals import REFUSALS, SECRET_WORDS

MISBEHAVIOURS: dict[str, Answer] = dict(REFUSALS)


def named(name: str) -> Callable[[Answer], Answer]:
    def keep(answer: Answer) -> Answer:
        assert name not in MISBEHAVIOURS, name
        MISBEHAVIOURS[name] = answer
        return answer

    return keep


# What HTTP alone can do


@named("busy-with-a-time")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(429, {"error": {"message": "slow down"}}, Retry_After="1")


@named("busy")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(429, {"error": {"message": "slow down"}})


@named("bad-gateway-html")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(502, "<html><h1>502 Bad Gateway</h1>nginx</html>", Content_Type="text/html")


@named("gateway-timeout")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(504, "", Content_Type="text/html")


@named("redirect")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(307, {}, Location="http://127.0.0.1:9/v1/chat/completions")


@named("html-instead-of-a-stream")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(200, "<!doctype html><title>Sign in</title>", Content_Type="text/html")


@named("json-instead-of-a-stream")
def _(handler: Handler, body: JsonObject) -> None:
    message = {"role": "assistant", "content": "all at once"}
    handler.say(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


@named("error-with-200")
def _(handler: Handler, body: JsonObject) -> None:
    handler.say(200, {"error": {"message": SECRET_WORDS, "code": 500}})


@named("empty-200")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()


@named("closes-without-a-word")
def _(handler: Handler, body: JsonObject) -> None:
    handler.close_connection = True
    handler.connection.close()


@named("breaks-off-before-text")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin(Content_Length="100000")
    handler.event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})


@named("breaks-off-in-the-text")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin(Content_Length="100000")
    handler.piece("half a ")


@named("never-answers")
def _(handler: Handler, body: JsonObject) -> None:
    time.sleep(15)


@named("falls-silent")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    time.sleep(15)


# Ends that are none


@named("end-without-reason")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    handler.piece("word")


@named("done-without-reason")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    handler.done()


@named("aborted")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    handler.piece("", finish={"type": "abort", "message": "out of memory"})
    handler.done()


@named("error-in-the-stream")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    handler.event({"error": {"message": SECRET_WORDS, "type": "InternalServerError", "code": 500}})
    handler.done()


@named("error-before-text")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.event({"error": {"message": "EngineDeadError", "code": 500}})


@named("one-sample-without-reason")
def _(handler: Handler, body: JsonObject) -> None:
    """Of several samples the last one never ends."""
    handler.begin()
    samples = list(texts_of(body))
    for index, words, reason in samples:
        for at, word in enumerate(words):
            last = at == len(words) - 1 and index != samples[-1][0]
            handler.piece(word, index=index, finish=reason if last else None)
    handler.done()


# Ends of another kind


@named("content-filter")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("I would")
    handler.piece("", finish="content_filter")
    handler.done()


@named("tool-calls")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece(None, tool_calls=[{"index": 0, "function": {"name": "search", "arguments": "{}"}}])
    handler.piece(None, finish="tool_calls")
    handler.done()


@named("reasoning-alone")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece(None, reasoning_content="Let me think about ")
    handler.piece(None, reasoning_content="that.", finish="length")
    handler.done()


@named("reasoning-then-answer")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece(None, reasoning="Hm.")
    handler.piece("Yes.", finish="stop")
    details = {"completion_tokens": 5, "prompt_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 3}}
    handler.event({"choices": [], "usage": details})
    handler.done()


# Shapes


@named("choices-null")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("well ")
    handler.event({"choices": None, "usage": {"completion_tokens": 3}})
    handler.piece("said", finish="stop")
    handler.done()


@named("nulls-everywhere")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.event({"choices": [None]})
    handler.event({"choices": [{"index": None, "delta": None, "logprobs": None, "finish_reason": None}]})
    handler.event({"choices": [{"index": 0, "delta": {"content": None, "tool_calls": None}}], "usage": None})
    handler.event({"choices": [{"index": 0, "delta": {"content": "well said"}, "logprobs": {"content": None}}]})
    handler.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": None}})
    handler.done()


@named("content-in-parts")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece([{"type": "text", "text": "well "}, {"type": "text", "text": "said"}], finish="stop")
    handler.done()


@named("line-separator-in-the-text")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    choice = {"index": 0, "delta": {"content": "well\u2028said\u0085so"}, "finish_reason": "stop"}
    handler.raw(b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n")
    handler.done()


@named("comments-and-crlf")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.raw(b": ping\r\n\r\nevent: message\r\nid: 1\r\nretry: 10\r\n")
    handler.raw(b'data:{"choices":[{"index":0,"delta":{"content":"well said"},"finish_reason":"stop"}]}\r\n\r\n')
    handler.raw(b"data:[DONE]\r\n\r\n")


@named("a-character-in-two-packets")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    choice = {"index": 0, "delta": {"content": "Größe 🦊"}, "finish_reason": "stop"}
    data = b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"
    for start in range(len(data)):
        handler.raw(data[start : start + 1])
    handler.done()


@named("half-a-surrogate-pair")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.raw(b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83e\\u0000b"},"finish_reason":"stop"}]}\n\n')
    handler.done()


@named("not-json")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("half a ")
    handler.event('{"choices": [{"ind')
    handler.done()


@named("wrong-content-type")
def _(handler: Handler, body: JsonObject) -> None:
    """A proxy that renames a stream, which is one all the same."""
    handler.begin(Content_Type="text/plain")
    handler.piece("well said", finish="stop")
    handler.done()


@named("text-after-the-end")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("well said", finish="stop")
    handler.done()
    handler.piece(" and more", finish="length")


@named("end-said-twice")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("well said", finish="stop")
    handler.piece("", finish="length")
    handler.done()


@named("index-out-of-range")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("well said", finish="stop")
    handler.piece("not asked for", index=7, finish="stop")
    handler.done()


@named("no-usage-no-logprobs")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("well said", finish="stop")
    handler.done()


@named("samples-in-turns")
def _(handler: Handler, body: JsonObject) -> None:
    """The samples of one request word by word in turns, backwards."""
    handler.begin()
    samples = list(texts_of(body))
    for at in range(max(len(words) for _, words, _ in samples)):
        for index, words, reason in reversed(samples):
            if at < len(words):
                handler.piece(words[at], index=index, finish=reason if at == len(words) - 1 else None)
    handler.done()


@named("ignores-n")
def _(handler: Handler, body: JsonObject) -> None:
    answer_well(handler, {**body, "n": 1})


@named("ignores-the-limit")
def _(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    handler.piece("word " * (limit_of(body) + 5), finish="stop")
    handler.done()
