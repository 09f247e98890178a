"""OpenAI's chat fine-tuning: `messages`; its preference format; and K completions of messages.

With `completions` the record is a comparison, ordered where `ranking` lists ids, best group first.
"""

from __future__ import annotations

from common.shapes import Json, JsonObject, Message
from labeling.importers._fields import answer_of, label_of, object_of, text_of
from labeling.importers._items import checked, comparison, dialogue
from labeling.importers.base import Item, Rejected, Text, Transforms

PREFERENCE = ("preferred_output", "non_preferred_output")


class OpenAi:
    about = "messages of role/content, the preference format, and messages with K completions"
    version = 1
    keys = frozenset({"messages", "completions", "ranking", "note", "input", *PREFERENCE})

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict):
            return False
        return isinstance(record.get("messages"), list) or "preferred_output" in record

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        record = object_of(record)
        if any(name in record for name in PREFERENCE):
            given = record.get("input")
            messages = _messages(given.get("messages") if isinstance(given, dict) else given, transforms)
            texts = [Text(_one(record.get(name), name, transforms)) for name in PREFERENCE]
            return comparison(messages, texts, [[0], [1]], kind)
        messages = _messages(record.get("messages"), transforms)
        completions = record.get("completions")
        if isinstance(completions, list) and completions:
            return _several(record, messages, completions, kind, transforms)
        return dialogue(messages, kind)


IMPORTER = OpenAi()


def _several(
    record: JsonObject, messages: list[Message], completions: list[Json], kind: str, transforms: Transforms
) -> list[Item]:
    texts = [_text(item, transforms) for item in completions]
    prompt = checked(messages, last="user")
    groups = _groups(record.get("ranking"), [text.id for text in texts])
    note = text_of(record.get("note") or "", "note").strip()
    return comparison(prompt, texts, groups, kind, note=note)


def _messages(given: Json, transforms: Transforms) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise Rejected("There are no messages.")
    return [_message(message, number, transforms) for number, message in enumerate(given, start=1)]


def _message(message: Json, number: int, transforms: Transforms) -> Message:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(role, str) or not role:
        raise Rejected(f"Message {number} has no role.")
    content = message.get("content")
    if role == "developer":
        role = "system"
        transforms.note("role developer read as system")
    if isinstance(content, list):
        content = _joined(content, number, transforms)
    if content is None and message.get("tool_calls"):
        raise Rejected(f"Message {number} calls a tool, which a dialogue here cannot hold.")
    what = f"text of message {number}"
    text = answer_of(content, what, transforms) if role == "assistant" else text_of(content, what)
    return {"role": role, "content": text}


def _joined(parts: list[Json], number: int, transforms: Transforms) -> str:
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            raise Rejected(f"Message {number} holds something other than text.")
        texts.append(text)
    transforms.note("text parts joined")
    return "".join(texts)


def _one(given: Json, name: str, transforms: Transforms) -> str:
    message = given[0] if isinstance(given, list) and len(given) == 1 else None
    if not isinstance(message, dict):
        raise Rejected(f"{name} takes exactly one message.")
    return answer_of(message.get("content"), name, transforms)


def _text(item: Json, transforms: Transforms) -> Text:
    item = object_of(item)
    text = answer_of(item.get("text"), "completion", transforms)
    return Text(text, label_of(item.get("model")), label_of(item.get("id")))


def _groups(ranking: Json, ids: list[str]) -> list[list[int]]:
    if not ranking:
        return []
    if not isinstance(ranking, list):
        raise Rejected("The ranking is not a list of groups of ids.")
    if len(set(ids)) != len(ids):
        raise Rejected("Two completions have the same id, so the ranking cannot be read.")
    place = {id_: index for index, id_ in enumerate(ids)}
    groups = [[str(i) for i in group] if isinstance(group, list) else [str(group)] for group in ranking]
    if unknown := [i for group in groups for i in group if i not in place]:
        raise Rejected(f"The ranking names {unknown[0]!r}, which is not a completion.")
    return [[place[i] for i in group] for group in groups]
