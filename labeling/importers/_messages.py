"""Reading messages and prompts: lists of role/content or from/value, a text, or a transcript with markers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.shapes import Json, Message
from labeling.importers._fields import answer_of, kind_of, number_of, object_of, text_of
from labeling.importers.base import Fields, Rejected, Transforms

ROLES = {
    "human": "user", "user": "user", "prompter": "user", "gpt": "assistant", "chatgpt": "assistant",
    "assistant": "assistant", "bing": "assistant", "bard": "assistant", "model": "assistant", "system": "system",
    "developer": "system",
}  # fmt: skip
_TRANSCRIPT = re.compile(r"\A\s*Human:.*\n\nAssistant:\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Dialogue:
    """Messages, and the places of those that OpenAI's `weight: 0` says not to learn from."""

    messages: list[Message]
    context: frozenset[int] = frozenset()


def dialogue_of(given: Json, transforms: Transforms, where: str = "messages") -> Dialogue:
    """A list of messages, as they stand.

    Raises:
        Rejected: no list, no text, a role that is not known, a call of a tool.
    """
    if not isinstance(given, list) or not given:
        raise Rejected(f"There are no {where}.")
    messages: list[Message] = []
    context: set[int] = set()
    for number, one in enumerate(given, start=1):
        if not isinstance(one, dict):
            raise Rejected(f"Message {number} has no role.")
        fields = object_of(one, transforms, where)
        messages.append(_message(fields, number, transforms))
        if _is_context(fields, messages[-1]["role"]):
            context.add(number - 1)
    if context:
        transforms.note("answers of weight 0 kept as context")
    return Dialogue(messages, frozenset(context))


def messages_of(given: Json, transforms: Transforms, where: str = "messages") -> list[Message]:
    return dialogue_of(given, transforms, where).messages


def _message(fields: Fields, number: int, transforms: Transforms) -> Message:
    named = fields.get("role") if "role" in fields else fields.get("from")
    if not isinstance(named, str) or not named:
        raise Rejected(f"Message {number} has no role.")
    role = ROLES.get(named.strip().lower())
    if role is None:
        raise Rejected(f"Message {number} has the role {named[:40]!r}; it takes system, user or assistant.")
    if role != named:
        transforms.note(f"role {named[:40].strip()} read as {role}")
    if fields.get("tool_calls"):
        raise Rejected(f"Message {number} calls a tool ('tool_calls'), which a dialogue here cannot hold.")
    if fields.get("function_call"):
        raise Rejected(f"Message {number} calls a tool ('function_call'), which a dialogue here cannot hold.")
    content = fields.get("content") if "content" in fields else fields.get("value")
    if isinstance(content, list):
        content = _joined(content, number, transforms)
    what = f"text of message {number}"
    return {
        "role": role,
        "content": answer_of(content, what, transforms) if role == "assistant" else text_of(content, what),
    }


def _is_context(fields: Fields, role: str) -> bool:
    weight = fields.get("weight")
    if weight is None or role != "assistant":
        return False
    number = number_of(weight, "weight")
    if number not in (0, 1):
        raise Rejected(f"The field 'weight' of a message is {number:g}; it takes 0 or 1.")
    return number == 0


def _joined(parts: list[Json], number: int, transforms: Transforms) -> str:
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            raise Rejected(f"Message {number} holds something other than text.")
        texts.append(text)
    transforms.note("text parts joined")
    return "".join(texts)


def prompt_of(given: Json, transforms: Transforms, what: str = "prompt") -> list[Message]:
    """What was asked: messages, a transcript that ends with the cue of the answer, or the user's text."""
    if isinstance(given, list):
        return messages_of(given, transforms, what)
    text = text_of(given, what)
    if _TRANSCRIPT.match(text):
        return transcript_of(text, what, transforms)
    if not text.strip():
        raise Rejected(f"The {what} is empty.")
    return [{"role": "user", "content": text.strip()}]


def transcript_of(text: str, what: str, transforms: Transforms) -> list[Message]:
    """The turns before the last `Assistant:` of a transcript."""
    from labeling.importers import hh  # which imports nothing of here; its markers are the only ones

    turns = hh.turns(text, what)
    if turns[-1]["content"].strip():
        raise Rejected(f"The {what} does not end with the cue of the answer.")
    transforms.note("transcript split into turns")
    said: list[Message] = [{"role": turn["role"], "content": turn["content"].strip()} for turn in turns[:-1]]
    return hh.merged(said, transforms)


def answer_in(given: Json, what: str, transforms: Transforms) -> str:
    """One answer: a text, one message of the assistant, or a list of exactly that."""
    if isinstance(given, list):
        if len(given) != 1:
            raise Rejected(f"The {what} takes exactly one message.")
        given = given[0]
    if isinstance(given, dict):
        (message,) = messages_of([given], transforms, what)
        if message["role"] != "assistant":
            raise Rejected(f"The {what} is the {message['role']}'s message, not the assistant's.")
        return message["content"]
    if given is not None and not isinstance(given, str):
        raise Rejected(f"The {what} is {kind_of(given)}, not a text.")
    return answer_of(given, what, transforms)


def with_system(messages: list[Message], system: Json) -> list[Message]:
    """`messages` led by the system message that stands in a field of its own.

    Raises:
        Rejected: no text, or the messages have one already that says something else.
    """
    if system is None or system == "":
        return messages
    text = text_of(system, "system").strip()
    if not text:
        return messages
    if messages and messages[0]["role"] == "system":
        if messages[0]["content"].strip() != text:
            raise Rejected("The field 'system' and the system message differ.")
        return messages
    return [{"role": "system", "content": text}, *messages]
