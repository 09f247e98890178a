"""A table of prompts: one column with what the user says, no answer; or a text file, a prompt a line."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import field_of, object_of, text_of
from labeling.importers._items import checked, paraphrases_of
from labeling.importers.base import PROMPTS, TELLING, Item, Rejected, Transforms

NAMES = ("prompt", "question", "instruction", "text")
ANSWERS = (
    "answer", "chosen", "completion", "context", "conversation", "generat", "input", "message", "output", "quality",
    "rank", "reject", "response", "score",
)  # fmt: skip


class Prompts:
    about = "a column prompt (or question, instruction, text) and no answer, or a text file with a prompt a line"
    version = 1
    keys = frozenset({*NAMES, "paraphrases"})

    def matches(self, record: Json) -> bool:
        """Whether nothing stands beside the prompt that may be an answer or a judgement."""
        if not isinstance(record, dict) or not isinstance(field_of(record, *NAMES), str):
            return False
        return not any(name in TELLING or name.lower().startswith(ANSWERS) for name in record)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        if kind not in ("", PROMPTS):
            raise Rejected(f"The record is a prompt; it cannot be imported as {kind}.")
        text = text_of(field_of(fields, *NAMES), "prompt").strip()
        if not text:
            raise Rejected("The prompt is empty.")
        messages = checked([{"role": "user", "content": text}], last="user")
        return [Item(PROMPTS, messages, paraphrases=paraphrases_of(fields))]


IMPORTER = Prompts()
