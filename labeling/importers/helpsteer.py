"""HelpSteer2-Preference and HelpSteer3: two responses with a preference from -3 (the first is much better) to 3.

HelpSteer3 names each judge's preference: every one of them is a judgement. HelpSteer2's own rows, one response with
five grades, hold neither an order nor a thumb and are refused, but for their prompts.
"""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import field_of, list_of, number_of, object_of
from labeling.importers._items import dialogue, judged, judgement
from labeling.importers._messages import answer_in, prompt_of
from labeling.importers.base import PROMPTS, Fields, Item, Judgement, Rejected, Text, Transforms

PROMPT = ("context", "prompt")
PREFERENCE = ("overall_preference", "preference_strength")
LEVELS = {1: 2, 2: 3, 3: 4}  # slightly better, better, significantly better


class HelpSteer:
    about = "prompt or context with two responses and a preference from -3 to 3"
    version = 1
    keys = frozenset({
        *PROMPT, *PREFERENCE, "individual_preference", "response1", "response2", "response_1", "response_2", "response",
    })  # fmt: skip

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict) or not any(name in record for name in PROMPT):
            return False
        pair = any({f"response{gap}1", f"response{gap}2"} <= set(record) for gap in ("", "_"))
        return (pair and any(name in record for name in (*PREFERENCE, "individual_preference"))) or (
            "response" in record and "helpfulness" in record
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = prompt_of(field_of(fields, *PROMPT), transforms)
        if fields.get("response") is not None:
            if kind == PROMPTS:
                return dialogue(messages, kind)
            raise Rejected("The grades of one response ('helpfulness' and others) are neither an order nor a thumb.")
        given = [field_of(fields, f"response{n}", f"response_{n}") for n in (1, 2)]
        texts = [Text(answer_in(one, f"response {n}", transforms)) for n, one in enumerate(given, start=1)]
        return judged(messages, texts, _judgements(fields, transforms), kind)


IMPORTER = HelpSteer()


def _judgements(fields: Fields, transforms: Transforms) -> list[Judgement]:
    overall = field_of(fields, *PREFERENCE)
    if not (individual := fields.get("individual_preference")):
        return [_judgement(overall)]
    found: list[Judgement] = []
    for one in list_of(individual, "individual_preference"):
        score = object_of(one, transforms, "individual_preference").get("score")
        if score is not None:
            found.append(_judgement(score))
    return found or [_judgement(overall)]


def _judgement(given: Json) -> Judgement:
    score = number_of(given, "overall_preference")
    if score not in (-3, -2, -1, 0, 1, 2, 3):
        raise Rejected(f"The preference is {score:g}; it takes whole numbers from -3 to 3.")
    if not score:
        return judgement([[0, 1]])
    return judgement([[0], [1]] if score < 0 else [[1], [0]], strengths=(LEVELS[abs(int(score))],))
