"""ShareGPT: `conversations` of from/value; with `chosen` and `rejected`, a comparison."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import object_of
from labeling.importers._items import comparison, dialogue
from labeling.importers._messages import answer_in, messages_of, with_system
from labeling.importers.base import Item, Rejected, Text, Transforms


class ShareGpt:
    about = "conversations of from/value (human, gpt, system), also with chosen and rejected"
    version = 1
    keys = frozenset({"conversations", "system", "chosen", "rejected"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and isinstance(record.get("conversations"), list)
            and not {"label", "kto_tag"} & set(record)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = messages_of(fields.get("conversations"), transforms, "conversations")
        messages = with_system(messages, fields.get("system"))
        lead = 1 if messages[0]["role"] == "system" else 0
        while len(messages) > lead and messages[lead]["role"] == "assistant":
            transforms.note("answer before the first question dropped")
            messages.pop(lead)
        if len(messages) == lead:
            raise Rejected("Nobody asks anything: there is no user's message.")
        if fields.get("chosen") is not None or fields.get("rejected") is not None:
            texts = [Text(answer_in(fields.get(name), f"{name} answer", transforms)) for name in ("chosen", "rejected")]
            return comparison(messages, texts, [[0], [1]], kind)
        return dialogue(messages, kind)


IMPORTER = ShareGpt()
