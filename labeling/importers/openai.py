"""OpenAI's chat fine-tuning: `messages` of role and content. With `completions` beside them, see `rankings.py`.
As prompts, `paraphrases` names the question that several of them ask in different words."""

from __future__ import annotations

from dataclasses import replace

from common.shapes import Json
from labeling.importers import openai_preference, rankings
from labeling.importers._fields import object_of
from labeling.importers._items import dialogue, paraphrases_of
from labeling.importers._messages import dialogue_of, with_system
from labeling.importers.base import PROMPTS, Item, Transforms


class OpenAi:
    about = "messages of role/content; `weight: 0` answers are context"
    version = 3
    keys = frozenset({"messages", "system", "paraphrases"}) | rankings.IMPORTER.keys | openai_preference.IMPORTER.keys

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and isinstance(record.get("messages"), list)
            and not {"completions", "chosen", "rejected", "label", "kto_tag"} & set(record)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        if openai_preference.IMPORTER.matches(fields):
            return openai_preference.IMPORTER.parse(fields, kind, transforms)
        if isinstance(fields.get("completions"), list):
            return rankings.IMPORTER.parse(fields, kind, transforms)
        found = dialogue_of(fields.get("messages"), transforms)
        messages = with_system(found.messages, fields.get("system"))
        shift = len(messages) - len(found.messages)
        items = dialogue(messages, kind, context=frozenset(place + shift for place in found.context))
        if kind != PROMPTS:
            return items
        return [replace(item, paraphrases=paraphrases_of(fields)) for item in items]


IMPORTER = OpenAi()
