"""Prompt and completion, the shape of OpenAI's first fine-tuning files and of InstructGPT's records.

Framing is taken off, content is kept: stops at the end of completions, separators at the end of
prompts, and, where the whole prompt is a transcript from the user's first line to the user's last,
its markers. A prompt that merely talks about a dialogue stays one message.
"""

from __future__ import annotations

import re

from common.shapes import Json, Message
from labeling.importers import alpaca, rankings
from labeling.importers._fields import answer_of, object_of, text_of
from labeling.importers._items import dialogue
from labeling.importers._messages import with_system
from labeling.importers.base import PROMPTS, Fields, Item, Rejected, Transforms

SEPARATORS = (
    "\n\n###\n\n", "\n\n###", "\n\n===\n\n", "\n\n===", "### Response:", "\n\nAssistant:", "\nAssistant:", "\nAI:",
    "\nA:", " ->", "\n->",
)  # fmt: skip
_MARKERS = (("Human", "Assistant"), ("Human", "AI"), ("User", "AI"), ("User", "Assistant"), ("Q", "A"))
_PROMPT = ("prompt", "question")
_COMPLETION = ("completion", "answer", "response")


class InstructGpt:
    about = "prompt and completion (also question/answer with their context), as JSON Lines, JSON or CSV"
    version = 2
    keys = frozenset({*_PROMPT, *_COMPLETION, "context"}) | alpaca.IMPORTER.keys | rankings.IMPORTER.keys

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and any(isinstance(record.get(name), str) for name in (*_PROMPT, "context"))
            and any(isinstance(record.get(name), str) for name in _COMPLETION)
            and not {"label", "kto_tag", "completions", "instruction", "helpfulness"} & set(record)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        if "instruction" in fields and not any(name in fields for name in (*_PROMPT, "context")):
            return alpaca.IMPORTER.parse(fields, kind, transforms)
        if isinstance(fields.get("completions"), list):
            return rankings.IMPORTER.parse(fields, kind, transforms)
        messages = with_system(_prompt(fields, transforms), fields.get("system"))
        if kind == PROMPTS:
            return dialogue(messages, kind)
        completion = text_of(_only(fields, _COMPLETION), "completion")
        answer = answer_of(alpaca.drop_stop(completion, transforms), "completion", transforms)
        return dialogue([*messages, {"role": "assistant", "content": answer}], kind)


IMPORTER = InstructGpt()


def _only(fields: Fields, names: tuple[str, ...]) -> Json:
    """The one of these fields that is there.

    Raises:
        Rejected: two of them, and nothing says which is meant.
    """
    given = [name for name in names if fields.get(name) not in (None, "")]
    if len(given) > 1:
        raise Rejected(f"The fields {given[0]!r} and {given[1]!r} stand side by side, and nothing says which is meant.")
    return fields.get(given[0]) if given else next((fields[name] for name in names if name in fields), None)


def _prompt(fields: Fields, transforms: Transforms) -> list[Message]:
    """The prompt, led by the context that it is about; a context alone is the prompt."""
    context = fields.get("context")
    given = _only(fields, _PROMPT)
    if given is None:
        given, context = context, None
    prompt = text_of(given, "prompt")
    if context is not None and (about := text_of(context, "context").strip()) and about != prompt.strip():
        transforms.note("context and question joined by a blank line")
        prompt = f"{about}\n\n{prompt}"
    turns = split_turns(prompt, transforms) if transforms.options.split_turns else None
    messages = turns or [{"role": "user", "content": drop_separator(prompt, transforms)}]
    if not messages[-1]["content"]:
        raise Rejected("The prompt is empty.")
    return messages


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
