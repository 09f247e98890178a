"""ShareGPT: `conversations` of from/value; with `chosen` and `rejected`, a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labeling.importers.base import (
    Item,
    Message,
    Rejected,
    Steps,
    Text,
    answer_of,
    comparison,
    dialogue,
    object_of,
    text_of,
)

ABOUT = "conversations of from/value (human, gpt, system), also with chosen and rejected"
VERSION = 1

ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "assistant": "assistant",
    "bing": "assistant", "bard": "assistant", "model": "assistant", "system": "system",
}  # fmt: skip


def matches(record: Any) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get("conversations"), list)


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    turns = record.get("conversations")
    if not isinstance(turns, list) or not turns:
        raise Rejected("There are no conversations.")
    messages = [_message(turn, number, steps) for number, turn in enumerate(turns, start=1)]
    system = record.get("system")
    if isinstance(system, str) and system.strip():
        messages.insert(0, {"role": "system", "content": text_of(system, "system").strip()})
    while messages and messages[0]["role"] == "assistant":
        steps.take("answer before the first question dropped")
        messages.pop(0)
    if not messages:
        raise Rejected("Nobody asks anything: there is no user's message.")
    if "chosen" in record or "rejected" in record:
        texts = [Text(_answer(record.get(name), name, steps)) for name in ("chosen", "rejected")]
        return comparison(messages, texts, [[0], [1]], kind)
    return dialogue(messages, kind)


def _message(turn: Any, number: int, steps: Steps) -> Message:
    if not isinstance(turn, Mapping) or not {"from", "value"} <= set(turn):
        raise Rejected(f"Message {number} has no 'from' and 'value'.")
    role = ROLES.get(str(turn["from"]).strip().lower())
    if role is None:
        raise Rejected(f"Message {number} is from {turn['from']!r}, whom nobody knows.")
    what = f"text of message {number}"
    text = answer_of(turn["value"], what, steps) if role == "assistant" else text_of(turn["value"], what)
    if not text.strip():
        raise Rejected(f"Message {number} has no text.")
    return {"role": role, "content": text}


def _answer(value: Any, name: str, steps: Steps) -> str:
    if isinstance(value, Mapping):
        value = value.get("value", value.get("content"))
    return answer_of(value, f"{name} answer", steps)
