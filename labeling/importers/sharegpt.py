"""ShareGPT: `conversations` of from/value; with `chosen` and `rejected`, a comparison."""

from __future__ import annotations

from common.shapes import Json, Message
from common.visible import visible
from labeling.importers._fields import answer_of, object_of, text_of
from labeling.importers._items import comparison, dialogue
from labeling.importers.base import Item, Rejected, Text, Transforms

ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "assistant": "assistant",
    "bing": "assistant", "bard": "assistant", "model": "assistant", "system": "system",
}  # fmt: skip


class ShareGpt:
    about = "conversations of from/value (human, gpt, system), also with chosen and rejected"
    version = 1
    keys = frozenset({"conversations", "system", "chosen", "rejected"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and isinstance(record.get("conversations"), list)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        record = object_of(record)
        turns = record.get("conversations")
        if not isinstance(turns, list) or not turns:
            raise Rejected("There are no conversations.")
        messages = [_message(turn, number, transforms) for number, turn in enumerate(turns, start=1)]
        system = record.get("system")
        if isinstance(system, str) and system.strip():
            messages.insert(0, {"role": "system", "content": text_of(system, "system").strip()})
        while messages and messages[0]["role"] == "assistant":
            transforms.note("answer before the first question dropped")
            messages.pop(0)
        if not messages:
            raise Rejected("Nobody asks anything: there is no user's message.")
        if "chosen" in record or "rejected" in record:
            texts = [Text(_answer(record.get(name), name, transforms)) for name in ("chosen", "rejected")]
            return comparison(messages, texts, [[0], [1]], kind)
        return dialogue(messages, kind)


IMPORTER = ShareGpt()


def _message(turn: Json, number: int, transforms: Transforms) -> Message:
    if not isinstance(turn, dict) or not {"from", "value"} <= set(turn):
        raise Rejected(f"Message {number} has no 'from' and 'value'.")
    role = ROLES.get(str(turn["from"]).strip().lower())
    if role is None:
        raise Rejected(f"Message {number} is from {turn['from']!r}, a role that is not known.")
    what = f"text of message {number}"
    text = answer_of(turn["value"], what, transforms) if role == "assistant" else text_of(turn["value"], what)
    if not visible(text):
        raise Rejected(f"Message {number} has no text.")
    return {"role": role, "content": text}


def _answer(value: Json, name: str, transforms: Transforms) -> str:
    if isinstance(value, dict):
        value = value.get("value", value.get("content"))
    return answer_of(value, f"{name} answer", transforms)
