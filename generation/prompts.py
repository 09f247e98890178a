"""A dialogue becomes what a model reads: system turn, context limit, whose turn it is. Pure.

Tokenizers stay in the engines; they are passed in as a counting function. Whatever is done to a
prompt is written into its report, which is stored with the request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypedDict

from common.shapes import Message

Count = Callable[[Sequence[Message]], int]
RULE = "oldest turns first; the system turn and the last turn stay; the rest begins with the user"
SMALLEST_ANSWER = 16
MERGED = ("merged into the first user turn", "none: the template takes none")
TEXT, NONE, TEMPLATE = "text", "none", "template"  # whose the system turn is, where a dialogue has none


class PromptReport(TypedDict, total=False):
    """What was done to a prompt before a model read it."""

    turns_cut: int
    tokens: int  # of the prompt as it was read
    max_tokens: int  # that are left for the answer
    rule: str  # only where something was cut, as are the next three
    tokens_uncut: int
    limit: int
    characters_cut: int
    prompt_hash: str  # of the rendered text; empty where a server renders it and does not tell
    prompt_ids_hash: str  # of its tokens
    messages_hash: str  # of the messages that went to a server
    unhashed: str  # why there is no hash of what the model read
    turns_merged: int  # into their neighbours, for a template that wants user and assistant in turns
    template_hash: str
    system: str  # how the system turn was rendered, in words
    messages: list[Message]  # the prompt, where turns were merged for the template
    system_turn: str | None  # its text; null where it was left to the template
    writes: str  # whose turn is drawn
    way: str  # how that was asked for
    counted: str  # "estimated" where the tokenizer is elsewhere


def with_system(messages: Sequence[Message], system_prompt: str = "", mode: str = TEXT) -> list[Message]:
    """The messages with their system turn: the dialogue's own, else what the model version says.

    TEXT and NONE make it explicit also where it is empty, because some templates otherwise slip in one of their own;
    TEMPLATE leaves that to them.
    """
    own = copied(messages)
    if (own and own[0]["role"] == "system") or mode == TEMPLATE:
        return own
    return [Message(role="system", content=system_prompt if mode == TEXT else ""), *own]


def without_system(messages: Sequence[Message]) -> list[Message]:
    """For templates that refuse a system turn: its text goes in front of the first user turn."""
    if not messages or messages[0]["role"] != "system":
        return copied(messages)
    system, rest = messages[0]["content"], copied(messages[1:])
    if system and rest and rest[0]["role"] == "user":
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    elif system:
        rest.insert(0, Message(role="user", content=system))
    return rest


def tell_system(report: PromptReport, messages: Sequence[Message], *, merged: Sequence[Message] | None) -> None:
    """Write into the report which system turn the model read: its text, or null where none was sent.

    `merged` are the messages where turns had to be merged for the template: exports take them as they are.
    """
    text = messages[0]["content"] if messages and messages[0]["role"] == "system" else None
    report["system_turn"] = text
    if text is None:
        report["system"] = "as the template has it"
    elif merged is not None and not any(m["role"] == "system" for m in merged):
        report["system"] = MERGED[0] if text else MERGED[1]
    else:
        report["system"] = "explicit" if text else "empty"
    if merged is not None:
        report["messages"] = copied(merged)


def swap_roles(messages: Sequence[Message]) -> list[Message]:
    """User and assistant exchanged: how a chat server without a raw endpoint is asked for the user's next turn."""
    other = {"user": "assistant", "assistant": "user"}
    return [Message(role=other.get(m["role"], m["role"]), content=m["content"]) for m in messages]


def in_turns(messages: Sequence[Message]) -> tuple[list[Message], int]:
    """For templates that want user and assistant in turns, the user first: neighbours of one role become one turn.

    The second value is how many turns went into their neighbours.
    """
    kept: list[Message] = []
    for message in copied(messages):
        if kept and kept[-1]["role"] == message["role"]:
            texts = [text for text in (kept[-1]["content"], message["content"]) if text]
            kept[-1]["content"] = "\n\n".join(texts)
        else:
            kept.append(message)
    merged = len(messages) - len(kept)
    first = 1 if kept and kept[0]["role"] == "system" else 0
    if len(kept) > first and kept[first]["role"] == "assistant":
        kept.insert(first, Message(role="user", content=""))
    return kept, merged


def text_hash(text: str) -> str:
    """Of a rendered prompt."""
    return hashlib.sha256(text.encode()).hexdigest()


def ids_hash(ids: Sequence[int]) -> str:
    """Of a prompt's tokens."""
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()


def messages_hash(messages: Sequence[Message]) -> str:
    """Of a prompt that somebody else renders."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def fit(
    messages: Sequence[Message],
    *,
    count: Count,
    limit: int | None,
    max_tokens: int,
) -> tuple[list[Message], PromptReport]:
    """Cut the prompt at turn borders until it and the answer fit into `limit` tokens.

    Oldest turns go first; the system turn and the last turn stay. Where these two alone do not
    fit, the answer's room shrinks, and at last the beginning of the last turn is cut. The report
    names the rule, the turns cut, the tokens before and after, and the answer's room.
    """
    kept = copied(messages)
    tokens = count(kept)
    report = PromptReport(turns_cut=0, tokens=tokens, max_tokens=max_tokens)
    if limit is None or tokens + max_tokens <= limit:
        return kept, report
    answer = min(max_tokens, max(SMALLEST_ANSWER, limit // 2))
    cut = _cut_turns(kept, count, limit - answer)
    report.update(PromptReport(rule=RULE, turns_cut=cut, tokens_uncut=tokens, limit=limit))
    if count(kept) + answer > limit:
        answer = max(1, min(SMALLEST_ANSWER, limit // 2))
        if count(kept) + answer > limit:
            report["characters_cut"] = _cut_last_turn(kept, count, limit - answer)
    tokens = count(kept)
    report.update(PromptReport(tokens=tokens, max_tokens=max(1, min(max_tokens, limit - tokens))))
    return kept, report


def copied(messages: Sequence[Message]) -> list[Message]:
    """The messages with nothing but role and content, safe to change."""
    return [Message(role=m["role"], content=m["content"]) for m in messages]


def _cut_turns(kept: list[Message], count: Count, room: int) -> int:
    """Drop oldest turns until the rest has room and begins with the user; how many went."""
    head = 1 if kept and kept[0]["role"] == "system" else 0
    before = len(kept)
    while count(kept) > room and len(kept) > head + 1:
        del kept[head]
        while len(kept) > head + 1 and kept[head]["role"] != "user":
            del kept[head]
    return before - len(kept)


def _cut_last_turn(kept: list[Message], count: Count, room: int) -> int:
    """Cut the beginning of the last turn; how many characters went."""
    text = kept[-1]["content"]
    kept[-1]["content"] = _longest_ending(text, kept, count, room)
    return len(text) - len(kept[-1]["content"])


def _longest_ending(text: str, kept: list[Message], count: Count, room: int) -> str:
    # Binary search over characters: the count grows with the text.
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        trial = [*kept[:-1], Message(role=kept[-1]["role"], content=text[len(text) - middle :])]
        if count(trial) <= room:
            low = middle
        else:
            high = middle - 1
    return text[len(text) - low :]
