"""What servers were seen to refuse, in their own words: for good, and with a way out. One name, one answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from common.shapes import Json, JsonObject
from tests.stand_ins.model_server import Answer, Handler, answer_well, limit_of, rendered

REFUSALS: dict[str, Answer] = {}
ADDRESS = "http://10.1.2.3:8000/v1"
SECRET_WORDS = (
    f"EngineCore encountered an issue at {ADDRESS} while serving internal-model-7b-v3; see the stack trace. " * 6
)[:400]


def refuses(name: str, status: int, words: str, **extra: Json) -> None:
    """An error object as servers send it."""
    error: JsonObject = {"message": words, "type": "BadRequestError", "param": None, "code": status, **extra}
    REFUSALS[name] = lambda handler, body: handler.say(status, {"error": error})


refuses("internal-error", 500, SECRET_WORDS)
refuses("overloaded", 503, "The server is overloaded")
refuses("key-refused", 401, "Incorrect API key provided: sk-abc")
refuses("forbidden", 403, "Forbidden")
refuses("model-unknown", 404, "The model `remote` does not exist.")
refuses("server-words", 400, SECRET_WORDS)
refuses("unprocessable", 422, "[{'type': 'missing', 'loc': ('body', 'messages')}]")


# Refusals with a way out


def unless(wrong: Callable[[JsonObject], bool], status: int, words: str, **extra: Json) -> Answer:
    error: JsonObject = {"message": words, "type": "BadRequestError", "code": status, **extra}
    return lambda handler, body: handler.say(status, {"error": error}) if wrong(body) else answer_well(handler, body)


def roles(body: JsonObject) -> list[str]:
    messages = body.get("messages")
    return [str(m["role"]) for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def repeated(body: JsonObject) -> bool:
    spoken = [role for role in roles(body) if role != "system"]
    return spoken[:1] == ["assistant"] or any(a == b for a, b in itertools.pairwise(spoken))


def beyond(tokens: int) -> Callable[[JsonObject], bool]:
    """A token is a byte here."""
    return lambda body: len(rendered(body).encode()) + limit_of(body) > tokens


def too_long(handler: Handler, body: JsonObject, *, dialect: str) -> None:
    """With the numbers in the message, as each server words them."""
    prompt, answer, limit = len(rendered(body).encode()), limit_of(body), 600
    if prompt + answer <= limit:
        return answer_well(handler, body)
    words = {
        "vllm": f"This model's maximum context length is {limit} tokens. However, you requested {answer} output tokens "
        f"and your prompt contains at least {prompt} input tokens, for a total of at least {prompt + answer} tokens. "
        "Please reduce the length of the input prompt or the number of requested output tokens.",
        "sglang": f"Requested token count exceeds the model's maximum context length of {limit} tokens. You requested "
        f"a total of {prompt + answer} tokens: {prompt} tokens from the input messages and {answer} tokens for the "
        "completion. Please reduce the number of tokens in the input messages or the completion to fit.",
    }[dialect]
    return handler.say(400, {"object": "error", "message": words, "type": "BadRequestError", "code": 400})


NO_SYSTEM = "System role not supported"
ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."
REFUSALS |= {
    "system-role-refused": unless(lambda body: "system" in roles(body), 400, NO_SYSTEM),
    "system-role-refused-by-jinja": unless(lambda body: "system" in roles(body), 500, f"Jinja Exception: {NO_SYSTEM}"),
    "roles-must-alternate": unless(repeated, 400, ALTERNATE),
    "too-long-as-vllm-says": lambda handler, body: too_long(handler, body, dialect="vllm"),
    "too-long-as-sglang-says": lambda handler, body: too_long(handler, body, dialect="sglang"),
    "too-long-without-numbers": unless(beyond(600), 400, "too much", code="context_length_exceeded"),
    "too-large-413": unless(beyond(600), 413, "Request Entity Too Large"),
    "max-tokens-refused": unless(
        lambda body: "max_tokens" in body, 400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        code="unsupported_parameter", param="max_tokens",
    ),
    "logprobs-refused": unless(lambda body: "logprobs" in body, 400, "unknown field logprobs"),
    "stream-options-refused": unless(lambda body: "stream_options" in body, 422, "Unexpected field 'stream_options'"),
    "token-ids-refused": unless(
        lambda body: "return_token_ids" in body, 400, "Unrecognized request argument supplied: 'return_token_ids'"
    ),
    "top-k-refused": unless(lambda body: "top_k" in body, 400, "Unrecognized request argument supplied: 'top_k'"),
    "temperature-refused": unless(
        lambda body: body.get("temperature") != 1, 400,
        "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
        "supported.", code="unsupported_value",
    ),
}  # fmt: skip
refuses("never-short-enough", 400, "This model's maximum context length is 8 tokens.", code="context_length_exceeded")
