"""Nectar and its like: `prompt`, a text or a transcript, with `answers` that each have a `rank`, 1 the best."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import label_of, list_of, number_of, object_of
from labeling.importers._items import judged, judgement, ranked
from labeling.importers._messages import answer_in, prompt_of, with_system
from labeling.importers.base import Item, Text, Transforms


class Nectar:
    about = "prompt with answers of answer, model and rank (1 is best)"
    version = 1
    keys = frozenset({"prompt", "answers", "system"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and "prompt" in record and isinstance(record.get("answers"), list)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = with_system(prompt_of(fields.get("prompt"), transforms), fields.get("system"))
        given = list_of(fields.get("answers"), "list of answers")
        answers = [object_of(one, transforms, "answers") for one in given]
        texts = [
            Text(answer_in(one.get("answer"), "answer", transforms), label_of(one.get("model"))) for one in answers
        ]
        groups = ranked([number_of(one.get("rank"), "rank") for one in answers])
        return judged(messages, texts, [judgement(groups)], kind)


IMPORTER = Nectar()
