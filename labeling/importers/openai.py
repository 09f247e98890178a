"""OpenAI's chat fine-tuning: `messages`; its preference format; and K completions of messages.

With `completions` the record is a comparison, ordered where `ranking` lists ids, best group first.
"""

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
    checked,
    comparison,
    dialogue,
    object_of,
    text_of,
)

ABOUT = "messages of role/content, the preference format, and messages with K completions"
VERSION = 1


def matches(record: Any) -> bool:
    if not isinstance(record, Mapping):
        return False
    return isinstance(record.get("messages"), list) or "preferred_output" in record


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    if "preferred_output" in record or "non_preferred_output" in record:
        given = record.get("input")
        messages = _messages(given.get("messages") if isinstance(given, Mapping) else given, steps)
        texts = [Text(_one(record.get(name), name, steps)) for name in ("preferred_output", "non_preferred_output")]
        return comparison(messages, texts, [[0], [1]], kind)
    messages = _messages(record.get("messages"), steps)
    completions = record.get("completions")
    if isinstance(completions, list) and completions:
        texts = [_text(item, steps) for item in completions]
        return comparison(
            checked(messages, last="user"),
            texts,
            _groups(record.get("ranking"), [text.id for text in texts]),
            kind,
            note=text_of(record.get("note") or "", "note").strip(),
        )
    return dialogue(messages, kind)


def _messages(given: Any, steps: Steps) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise Rejected("There are no messages.")
    messages = []
    for number, message in enumerate(given, start=1):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str) or not message["role"]:
            raise Rejected(f"Message {number} has no role.")
        role, content = message["role"], message.get("content")
        if role == "developer":
            role = "system"
            steps.take("role developer read as system")
        if isinstance(content, list):
            content = _joined(content, number, steps)
        if content is None and message.get("tool_calls"):
            raise Rejected(f"Message {number} calls a tool, which a dialogue here cannot hold.")
        what = f"text of message {number}"
        text = answer_of(content, what, steps) if role == "assistant" else text_of(content, what)
        messages.append({"role": role, "content": text})
    return messages


def _joined(parts: list[Any], number: int, steps: Steps) -> str:
    if not all(isinstance(p, Mapping) and p.get("type") == "text" and isinstance(p.get("text"), str) for p in parts):
        raise Rejected(f"Message {number} holds something other than text.")
    steps.take("text parts joined")
    return "".join(part["text"] for part in parts)


def _one(given: Any, name: str, steps: Steps) -> str:
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], Mapping):
        raise Rejected(f"{name} takes exactly one message.")
    return answer_of(given[0].get("content"), name, steps)


def _text(item: Any, steps: Steps) -> Text:
    item = object_of(item)
    return Text(
        answer_of(item.get("text"), "completion", steps), str(item.get("model") or ""), str(item.get("id") or "")
    )


def _groups(ranking: Any, ids: list[str]) -> list[list[int]]:
    if not ranking:
        return []
    if not isinstance(ranking, list):
        raise Rejected("The ranking is no list of groups of ids.")
    if len(set(ids)) != len(ids):
        raise Rejected("Two completions have the same id, so the ranking cannot be read.")
    place = {id_: index for index, id_ in enumerate(ids)}
    groups = [[str(i) for i in group] if isinstance(group, list) else [str(group)] for group in ranking]
    if unknown := [i for group in groups for i in group if i not in place]:
        raise Rejected(f"The ranking names {unknown[0]!r}, which is no completion.")
    return [[place[i] for i in group] for group in groups]
