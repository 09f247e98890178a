"""Dolly: `instruction`, perhaps the `context` that it is about, and a `response`."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import answer_of, object_of, text_of
from labeling.importers._items import dialogue
from labeling.importers.base import Item, Rejected, Transforms


class Dolly:
    about = "instruction, context and response"
    version = 1
    keys = frozenset({"instruction", "context", "response"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and {"instruction", "response"} <= set(record)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        question = text_of(fields.get("instruction"), "instruction").strip()
        if not question:
            raise Rejected("The instruction is empty.")
        if context := text_of(fields.get("context") or "", "context").strip():
            transforms.note("context and question joined by a blank line")
            question = f"{context}\n\n{question}"
        answer = answer_of(fields.get("response"), "response", transforms)
        return dialogue([{"role": "user", "content": question}, {"role": "assistant", "content": answer}], kind)


IMPORTER = Dolly()
