"""Prompt and completion, the shape of OpenAI's first fine-tuning files and of InstructGPT's records.

Framing is taken off, content is kept: stops at the end of completions, separators at the end of
prompts, and, where the whole prompt is a transcript from the user's first line to the user's last,
its markers. A prompt that merely talks about a dialogue stays one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labeling.importers import alpaca
from labeling.importers.base import (
    Item,
    Message,
    Rejected,
    Steps,
    Text,
    answer_of,
    comparison,
    dialogue,
    field_of,
    object_of,
    text_of,
)

ABOUT = "prompt and completion (also question/answer), as JSON Lines, JSON or CSV"
VERSION = 1

SEPARATORS = (
    "\n\n###\n\n", "\n\n###", "\n\n===\n\n", "\n\n===", "### Response:", "\n\nAssistant:", "\nAssistant:", "\nAI:",
    "\nA:", " ->", "\n->",
)  # fmt: skip
_MARKERS = (("Human", "Assistant"), ("Human", "AI"), ("User", "AI"), ("User", "Assistant"), ("Q", "A"))
_PROMPT = ("prompt", "question", "context")
_COMPLETION = ("completion", "answer", "response")


def matches(record: Any) -> bool:
    return (
        isinstance(record, Mapping)
        and any(isinstance(record.get(name), str) for name in _PROMPT)
        and any(name in record for name in (*_COMPLETION, "completions"))
    )


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    if "instruction" in record and not any(name in record for name in _PROMPT):
        return alpaca.parse(record, kind, steps)
    prompt = text_of(field_of(record, *_PROMPT), "prompt")
    if isinstance(context := record.get("context"), str) and context.strip() and context != prompt:
        steps.take("context and question joined by a blank line")
        prompt = f"{context.strip()}\n\n{prompt}"
    turns = split_turns(prompt, steps) if steps.asked.split_turns else None
    messages = turns or [{"role": "user", "content": drop_separator(prompt, steps)}]
    if not messages[-1]["content"]:
        raise Rejected("The prompt is empty.")
    several = record.get("completions")
    if isinstance(several, list) and several:
        return comparison(messages, [_text(item, steps) for item in several], [], kind)
    if kind == "prompts":
        return dialogue(messages, kind)
    completion = text_of(field_of(record, *_COMPLETION), "completion")
    answer = answer_of(alpaca.drop_stop(completion, steps), "completion", steps)
    return dialogue([*messages, {"role": "assistant", "content": answer}], kind)


def _text(item: Any, steps: Steps) -> Text:
    if isinstance(item, str):
        return Text(answer_of(item, "completion", steps))
    item = object_of(item)
    model = str(item.get("model") or "")
    return Text(answer_of(item.get("text"), "completion", steps), model, str(item.get("id") or ""))


def drop_separator(prompt: str, steps: Steps) -> str:
    """Without the separator that ends it, if one does, and without outer whitespace."""
    padded = prompt.rstrip()
    for separator in SEPARATORS:
        if padded.endswith(separator.rstrip()) and len(padded) > len(separator.rstrip()):
            steps.take(f"separator {separator.strip()!r} dropped from the prompt")
            padded = padded[: -len(separator.rstrip())]
            break
    bare = padded.strip()
    if bare != prompt:
        steps.take("outer whitespace of the prompt stripped")
    return bare


def split_turns(prompt: str, steps: Steps) -> list[Message] | None:
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
            steps.take(f"transcript of {user}:/{assistant}: split into turns")
            return [
                {"role": "user" if i % 2 == 0 else "assistant", "content": body} for i, (_, body) in enumerate(parts)
            ]
    return None
