"""Prompt and completion, the shape of OpenAI's first fine-tuning files and of InstructGPT's records.

Framing is taken off, content is kept: stops at the end of completions, separators at the end of
prompts, and, where the whole prompt is a transcript from the user's first line to the user's last,
its markers. A prompt that merely talks about a dialogue stays one message.
"""

from __future__ import annotations

import re

from common.shapes import Json, JsonObject, Message
from labeling.importers import alpaca
from labeling.importers._fields import answer_of, field_of, label_of, object_of, text_of
from labeling.importers._items import comparison, dialogue
from labeling.importers.base import PROMPTS, Item, Rejected, Text, Transforms

SEPARATORS = (
    "\n\n###\n\n", "\n\n###", "\n\n===\n\n", "\n\n===", "### Response:", "\n\nAssistant:", "\nAssistant:", "\nAI:",
    "\nA:", " ->", "\n->",
)  # fmt: skip
_MARKERS = (("Human", "Assistant"), ("Human", "AI"), ("User", "AI"), ("User", "Assistant"), ("Q", "A"))
_PROMPT = ("prompt", "question", "context")
_COMPLETION = ("completion", "answer", "response")


class InstructGpt:
    about = "prompt and completion (also question/answer), as JSON Lines, JSON or CSV"
    version = 1
    keys = frozenset({*_PROMPT, *_COMPLETION, "completions"}) | alpaca.IMPORTER.keys

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and any(isinstance(record.get(name), str) for name in _PROMPT)
            and any(name in record for name in (*_COMPLETION, "completions"))
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        record = object_of(record)
        if "instruction" in record and not any(name in record for name in _PROMPT):
            return alpaca.IMPORTER.parse(record, kind, transforms)
        messages = _prompt(record, transforms)
        several = record.get("completions")
        if isinstance(several, list) and several:
            return comparison(messages, [_text(item, transforms) for item in several], [], kind)
        if kind == PROMPTS:
            return dialogue(messages, kind)
        completion = text_of(field_of(record, *_COMPLETION), "completion")
        answer = answer_of(alpaca.drop_stop(completion, transforms), "completion", transforms)
        return dialogue([*messages, {"role": "assistant", "content": answer}], kind)


IMPORTER = InstructGpt()


def _prompt(record: JsonObject, transforms: Transforms) -> list[Message]:
    prompt = text_of(field_of(record, *_PROMPT), "prompt")
    if isinstance(context := record.get("context"), str) and context.strip() and context != prompt:
        transforms.note("context and question joined by a blank line")
        prompt = f"{context.strip()}\n\n{prompt}"
    turns = split_turns(prompt, transforms) if transforms.options.split_turns else None
    messages = turns or [{"role": "user", "content": drop_separator(prompt, transforms)}]
    if not messages[-1]["content"]:
        raise Rejected("The prompt is empty.")
    return messages


def _text(item: Json, transforms: Transforms) -> Text:
    if isinstance(item, str):
        return Text(answer_of(item, "completion", transforms))
    item = object_of(item)
    text = answer_of(item.get("text"), "completion", transforms)
    return Text(text, label_of(item.get("model")), label_of(item.get("id")))


def drop_separator(prompt: str, transforms: Transforms) -> str:
    """Without the separator that ends it, if one does, and without outer whitespace."""
    padded = prompt.rstrip()
    for separator in SEPARATORS:
        if padded.endswith(separator.rstrip()) and len(padded) > len(separator.rstrip()):
            transforms.note(f"separator {separator.strip()!r} dropped from the prompt")
            padded = padded[: -len(separator.rstrip())]
            break
    bare = padded.strip()
    if bare != prompt:
        transforms.note("outer whitespace of the prompt stripped")
    return bare


def split_turns(prompt: str, transforms: Transforms) -> list[Message] | None:
    """The turns, only where the whole prompt is a transcript that starts and ends with the user."""
    for user, assistant in _MARKERS:
        marker = re.compile(rf"^(?:{user}|{assistant}):[ \t]?", re.MULTILINE)
        text = prompt.strip()
        if not re.match(rf"{user}:", text):
            continue
        cue = re.search(rf"\n+{assistant}:\s*\Z", text)
        if cue is None:
            continue  # a transcript to be continued ends with the cue of the answer
        text = text[: cue.start()]
        found = list(marker.finditer(text))
        parts = [
            (m.group().strip().rstrip(":"), text[m.end() : n.start() if n else len(text)].strip())
            for m, n in zip(found, [*found[1:], None], strict=True)
        ]
        expected = [user if i % 2 == 0 else assistant for i in range(len(parts))]
        if len(parts) % 2 and all(body for _, body in parts) and [name for name, _ in parts] == expected:
            transforms.note(f"transcript of {user}:/{assistant}: split into turns")
            return [
                {"role": "user" if i % 2 == 0 else "assistant", "content": body} for i, (_, body) in enumerate(parts)
            ]
    return None
