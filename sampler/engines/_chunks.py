"""What an OpenAI-compatible server sends, read into pieces: chat and completion chunks, nulls, content parts. Pure.

Servers differ in what they leave out and what they send as null; nothing here raises on a shape that it does not know,
since one strange chunk must not lose an answer. Whether an answer is whole is decided by the engine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from common.shapes import Json, JsonObject

ENDINGS = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "complete": "stop",
    "length": "length", "max_tokens": "length", "max_length": "length", "max_new_tokens": "length",
    "content_filter": "content_filter", "safety": "content_filter",
    "tool_calls": "tool_calls", "function_call": "tool_calls", "tool_use": "tool_calls",
}  # fmt: skip
"""What servers call the ends of an answer. Any other word (abort, error, …) says that it did not end by itself."""


@dataclass(frozen=True)
class Piece:
    """What one choice of a chunk adds to one sample."""

    index: int = 0
    text: str = ""
    reasoning: str = ""
    finish: str = ""  # one of ours, or the server's own word where it is none of `ENDINGS`
    logprob: float | None = None
    tokens: int = 0  # how many log-probabilities were given


@dataclass(frozen=True)
class Chunk:
    """One message of a stream."""

    pieces: tuple[Piece, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_ids: tuple[int, ...] | None = None  # the prompt's tokens, where the server reports them
    error: str = ""  # the error object of a stream that breaks off with one, as JSON


def read(data: str, reasoning_keys: Sequence[str] = ("reasoning_content", "reasoning")) -> Chunk:
    """A chunk from the data of one event.

    Raises:
        ValueError: it is not JSON.
    """
    value: Json = json.loads(data)
    if not isinstance(value, dict):
        return Chunk()
    if value.get("error"):
        return Chunk(error=json.dumps({"error": value["error"]}))
    usage = _object(value.get("usage"))
    choices = [choice for choice in _list(value.get("choices")) if isinstance(choice, dict)]
    return Chunk(
        pieces=tuple(_piece(choice, reasoning_keys) for choice in choices),
        prompt_tokens=_whole(usage.get("prompt_tokens")),
        completion_tokens=_whole(usage.get("completion_tokens")),
        reasoning_tokens=_reasoning_tokens(usage),
        prompt_ids=_prompt_ids(value, choices),
    )


def _piece(choice: JsonObject, reasoning_keys: Sequence[str]) -> Piece:
    delta = _object(choice.get("delta")) or _object(choice.get("message"))
    text, thought = _content(delta.get("content") if delta else choice.get("text"))
    trace = next((t for key in reasoning_keys if (t := _content(delta.get(key))[0])), "")
    logprob, tokens = _logprob(choice.get("logprobs"))
    reason = choice.get("finish_reason")
    if isinstance(reason, dict):  # SGLang's own form: {"type": "abort", "message": …}
        reason = reason.get("type")
    word = str(reason) if reason else ""
    return Piece(_whole(choice.get("index")) or 0, text, trace or thought, ENDINGS.get(word, word), logprob, tokens)


def _content(value: Json) -> tuple[str, str]:
    """Text and reasoning of a content, which is a string, null, or a list of parts."""
    if isinstance(value, str):
        return value, ""
    text, thought = "", ""
    for part in _list(value):
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            if part.get("type") in {"thinking", "reasoning"}:
                inner = part.get("thinking") or part.get("reasoning") or part.get("text")
                thought += _content(inner)[0]
            elif isinstance(part.get("text"), str):
                text += str(part["text"])
    return text, thought


def _logprob(value: Json) -> tuple[float | None, int]:
    """Sum over the tokens, and how many there were: chat form `content`, completions form `token_logprobs`."""
    logprobs = _object(value)
    listed = [_object(token).get("logprob") for token in _list(logprobs.get("content"))]
    listed = listed or _list(logprobs.get("token_logprobs"))
    numbers = [float(n) for n in listed if isinstance(n, int | float) and not isinstance(n, bool)]
    return (sum(numbers), len(numbers)) if numbers else (None, 0)


def _reasoning_tokens(usage: JsonObject) -> int | None:
    details = _object(usage.get("completion_tokens_details"))
    found = _whole(details.get("reasoning_tokens"))
    return found if found is not None else _whole(usage.get("reasoning_tokens"))


def _prompt_ids(value: JsonObject, choices: Sequence[JsonObject]) -> tuple[int, ...] | None:
    """vLLM puts them beside the choices (chat) or into one (completions), SGLang into each choice or beside them."""
    for place in (value, *choices, _object(value.get("sglext"))):
        ids = _list(place.get("prompt_token_ids"))
        if ids and all(isinstance(token, int) for token in ids):
            return tuple(token for token in ids if isinstance(token, int))
    return None


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
