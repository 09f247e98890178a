"""UltraFeedback as published: `instruction` with `completions`, each with `response`, `model` and its scores.

Ordered by `fine-grained_score`, the mean of the four aspects, or where it is missing by `overall_score`. Equal
scores tie.
"""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import field_of, label_of, list_of, number_of, object_of
from labeling.importers._items import judged, judgement, ranked
from labeling.importers._messages import answer_in, prompt_of
from labeling.importers.base import Fields, Item, Rejected, Text, Transforms

SCORES = ("fine-grained_score", "overall_score")


class UltraFeedback:
    about = "instruction with completions of response, model and scores"
    version = 1
    keys = frozenset({"instruction", "completions"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and "instruction" in record
            and isinstance(given := record.get("completions"), list)
            and any(isinstance(one, dict) and "response" in one for one in given)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = prompt_of(fields.get("instruction"), transforms, "instruction")
        given = list_of(fields.get("completions"), "list of completions")
        completions = [object_of(one, transforms, "completions") for one in given]
        texts = [
            Text(answer_in(one.get("response"), "response", transforms), label_of(one.get("model")))
            for one in completions
        ]
        groups = ranked([-_score(one) for one in completions])
        return judged(messages, texts, [judgement(groups)], kind)


IMPORTER = UltraFeedback()


def _score(completion: Fields) -> float:
    if (score := field_of(completion, *SCORES)) is None:
        raise Rejected("A completion has neither 'fine-grained_score' nor 'overall_score'.")
    return number_of(score, "overall_score")
