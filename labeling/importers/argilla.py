"""Argilla's export of a ranking question: the fields of the record, and for each person the values with their ranks.

Version 1 gives `ranking` as a list of responses, one a person, each with `status` and `value`; version 2 gives
`fields` and `responses` by question, flattened or not (`ranking.responses`). Every person's response is a judgement.
"""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import field_of, label_of, list_of, number_of, object_of
from labeling.importers._items import judged, judgement
from labeling.importers._messages import answer_in, prompt_of
from labeling.importers.base import Fields, Item, Judgement, Rejected, Text, Transforms

PROMPT = ("prompt", "instruction", "question", "messages", "context")
FLAT = ("ranking.responses", "ranking.responses.status", "ranking.responses.users")
QUESTION = "ranking"
MOST = 9


def _names(field: str) -> list[str]:
    return [f"{field}{gap}{number}" for gap in ("-", "_", "") for number in range(MOST + 1)]


RESPONSES = tuple(name for field in ("response", "answer", "completion", "generation") for name in _names(field))


class Argilla:
    about = "records of Argilla with a ranking question, every person's response a judgement"
    version = 1
    keys = frozenset({*PROMPT, *RESPONSES, *FLAT, QUESTION, "fields", "responses"})

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict):
            return False
        if isinstance(record.get("fields"), dict) and isinstance(record.get("responses"), dict | list):
            return True
        given = record.get(QUESTION)
        people = isinstance(given, list) and any(isinstance(one, dict) and "value" in one for one in given)
        return people or FLAT[0] in record

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        nested = fields.get("fields")
        shown = fields if nested is None else object_of(nested, transforms, "fields")
        messages = prompt_of(field_of(shown, *PROMPT), transforms)
        names = [name for name in RESPONSES if shown.get(name) not in (None, "")]
        texts = [Text(answer_in(shown.get(name), name, transforms), id=name) for name in names]
        place = {name: index for index, name in enumerate(names)}
        judgements = [_judgement(values, place, transforms) for values in _responses(fields, transforms)]
        return judged(messages, texts, judgements, kind)


IMPORTER = Argilla()


def _responses(fields: Fields, transforms: Transforms) -> list[Json]:
    """The values of every submitted response."""
    if (flat := fields.get(FLAT[0])) is not None:
        given = list_of(flat, FLAT[0])
        states = fields.get(FLAT[1])
        if isinstance(states, list) and len(states) == len(given):
            return [one for one, state in zip(given, states, strict=True) if state == "submitted"]
        return given
    answers = fields.get("responses") if "fields" in fields else fields.get(QUESTION)
    found: list[Json] = []
    for one in _of_question(answers, transforms):
        response = object_of(one, transforms, "responses")
        if response.get("status") not in (None, "submitted"):
            transforms.note("drafts and discarded responses left out")
            continue
        found.append(response.get("value"))
    return found


def _of_question(answers: Json, transforms: Transforms) -> list[Json]:
    """Responses to the ranking question: by question, or each person's with its values by question."""
    if isinstance(answers, dict):
        answers = object_of(answers, transforms, "responses").get(QUESTION)
    if not answers:
        return []
    found: list[Json] = []
    for one in list_of(answers, "list of responses"):
        if isinstance(one, dict) and isinstance(values := one.get("values"), dict):
            answer = values.get(QUESTION)
            value = answer.get("value") if isinstance(answer, dict) else None
            found.append({"status": one.get("status"), "value": value})
        else:
            found.append(one)
    return found


def _judgement(values: Json, place: dict[str, int], transforms: Transforms) -> Judgement:
    groups: dict[float, list[int]] = {}
    for one in list_of(values, "ranking"):
        given = object_of(one, transforms, "ranking.value")
        name = label_of(given.get("value"))
        if name not in place:
            raise Rejected(f"The ranking names {name[:80]!r}, which is not a response.")
        groups.setdefault(number_of(given.get("rank"), "rank"), []).append(place[name])
    return judgement([groups[rank] for rank in sorted(groups)])
