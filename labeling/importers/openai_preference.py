"""OpenAI's preference format: `input` with messages, `preferred_output` and `non_preferred_output`."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import object_of
from labeling.importers._items import comparison
from labeling.importers._messages import answer_in, messages_of
from labeling.importers.base import Item, Text, Transforms

OUTPUTS = ("preferred_output", "non_preferred_output")


class OpenAiPreference:
    about = "input with messages, preferred_output and non_preferred_output"
    version = 1
    keys = frozenset({"input", *OUTPUTS})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and any(name in record for name in OUTPUTS)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        given = fields.get("input")
        if isinstance(given, dict):
            given = object_of(given, transforms, "input").get("messages")
        messages = messages_of(given, transforms, "input messages")
        texts = [Text(answer_in(fields.get(name), name, transforms)) for name in OUTPUTS]
        return comparison(messages, texts, [[0], [1]], kind)


IMPORTER = OpenAiPreference()
