"""A dialogue becomes what a model reads: system turn, context limit, whose turn it is. Pure.

Tokenizers stay in the engines; they are passed in as a counting function. Whatever is done to a
prompt is written into its report, which is stored with the request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Message = dict[str, str]
RULE = "oldest turns first; the system turn and the last turn stay; the rest begins with the user"
SMALLEST_ANSWER = 16


def storable(text: str) -> str:
    """The text as PostgreSQL and Redis take it: no NUL, and a replacement character for half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def with_system(messages: Sequence[Message], system_prompt: str = "") -> list[Message]:
    """The messages with an explicit system turn: the dialogue's own, else the model version's, else an empty one.

    Explicit also when empty, because some templates otherwise slip in one of their own.
    """
    own = [dict(m) for m in messages]
    if own and own[0]["role"] == "system":
        return own
    return [{"role": "system", "content": system_prompt}, *own]


def without_system(messages: Sequence[Message]) -> list[Message]:
    """For templates that refuse a system turn: its text goes in front of the first user turn."""
    system, rest = messages[0]["content"], [dict(m) for m in messages[1:]]
    if system and rest and rest[0]["role"] == "user":
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    elif system:
        rest.insert(0, {"role": "user", "content": system})
    return rest


def swap_roles(messages: Sequence[Message]) -> list[Message]:
    """User and assistant exchanged: how a chat server without a raw endpoint is asked for the user's next turn."""
    other = {"user": "assistant", "assistant": "user"}
    return [{**m, "role": other.get(m["role"], m["role"])} for m in messages]


def fit(
    messages: Sequence[Message],
    *,
    count: Callable[[Sequence[Message]], int],
    limit: int | None,
    max_tokens: int,
) -> tuple[list[Message], dict[str, Any]]:
    """Cut the prompt at turn borders until it and the answer fit into `limit` tokens.

    Oldest turns go first; the system turn and the last turn stay. Where these two alone do not
    fit, the answer's room shrinks, and at last the beginning of the last turn is cut. The report
    names the rule, the turns cut, the tokens before and after, and the answer's room.
    """
    kept = [dict(m) for m in messages]
    tokens = count(kept)
    report: dict[str, Any] = {"turns_cut": 0, "tokens": tokens, "max_tokens": max_tokens}
    if limit is None or tokens + max_tokens <= limit:
        return kept, report
    answer = min(max_tokens, max(SMALLEST_ANSWER, limit // 2))
    head = 1 if kept and kept[0]["role"] == "system" else 0
    cut = 0
    while tokens + answer > limit and len(kept) > head + 1:
        del kept[head]
        cut += 1
        while len(kept) > head + 1 and kept[head]["role"] != "user":
            del kept[head]
            cut += 1
        tokens = count(kept)
    report |= {"rule": RULE, "turns_cut": cut, "tokens_uncut": report["tokens"], "limit": limit}
    if tokens + answer > limit:
        answer = max(1, min(SMALLEST_ANSWER, limit // 2))
        text = kept[-1]["content"]
        if tokens + answer > limit:
            kept[-1]["content"] = _longest_ending(text, kept, count, limit - answer)
            report["characters_cut"] = len(text) - len(kept[-1]["content"])
            tokens = count(kept)
    report |= {"tokens": tokens, "max_tokens": max(1, min(max_tokens, limit - tokens))}
    return kept, report


def _longest_ending(
    text: str, kept: list[Message], count: Callable[[Sequence[Message]], int], room: int
) -> str:  # binary search over characters: the count grows with the text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        trial = [*kept[:-1], {**kept[-1], "content": text[len(text) - middle :]}]
        if count(trial) <= room:
            low = middle
        else:
            high = middle - 1
    return text[len(text) - low :]
