"""Label Studio's JSON export of tasks that were ranked or compared: `data`, and `annotations` with their `result`.

A `ranker` over a `List` gives ids in order; `pairwise` gives left or right, which are the first and the second answer.
Each annotation is one judgement. Sorting into buckets is refused: nothing says which bucket is better.
"""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import field_of, label_of, list_of, object_of
from labeling.importers._items import judged, judgement
from labeling.importers._messages import answer_in, prompt_of
from labeling.importers.base import Fields, Item, Judgement, Rejected, Text, Transforms

PROMPT = ("prompt", "question", "instruction", "text", "messages")
LISTS = ("items", "answers", "responses", "completions")
PAIRS = (("answer1", "answer2"), ("answer_1", "answer_2"), ("response1", "response2"), ("response_1", "response_2"),
         ("text1", "text2"), ("left", "right"))  # fmt: skip
TEXT = ("body", "text", "html", "answer", "title")


class LabelStudio:
    about = "tasks of data and annotations, with a ranker or a pairwise choice"
    version = 1
    keys = frozenset({"data", "annotations"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and isinstance(record.get("data"), dict)
            and isinstance(record.get("annotations"), list)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        data = object_of(fields.get("data"), transforms, "data")
        messages = prompt_of(field_of(data, *PROMPT), transforms)
        texts = _texts(data, transforms)
        place = {text.id: index for index, text in enumerate(texts)}
        judgements: list[Judgement] = []
        annotations = fields.get("annotations") or []
        for one in list_of(annotations, "list of annotations") if annotations else ():
            annotation = object_of(one, transforms, "annotations")
            if annotation.get("was_cancelled"):
                transforms.note("skipped annotations left out")
                continue
            judgements += _judged(annotation, place, transforms)
        return judged(messages, texts, judgements, kind)


IMPORTER = LabelStudio()


def _texts(data: Fields, transforms: Transforms) -> list[Text]:
    if (pair := next((pair for pair in PAIRS if set(pair) <= set(data)), None)) is not None:
        return [Text(answer_in(data.get(name), name, transforms), id=str(n)) for n, name in enumerate(pair)]
    texts: list[Text] = []
    for number, one in enumerate(list_of(field_of(data, *LISTS), "list of answers")):
        if isinstance(one, str):
            texts.append(Text(answer_in(one, "answer", transforms), id=str(number)))
            continue
        answer = object_of(one, transforms, "data.items")
        text = answer_in(field_of(answer, *TEXT), "answer", transforms)
        id_ = answer.get("id")
        texts.append(Text(text, label_of(answer.get("model")), str(number) if id_ is None else label_of(id_)))
    if len({text.id for text in texts}) != len(texts):
        raise Rejected("Two answers have the same id.")
    return texts


def _judged(annotation: Fields, place: dict[str, int], transforms: Transforms) -> list[Judgement]:
    found: list[Judgement] = []
    for one in list_of(annotation.get("result") or [None], "result"):
        if one is None:
            raise Rejected("An annotation has no result.")
        result = object_of(one, transforms, "annotations.result")
        value = result.get("value")
        if result.get("type") == "ranker":
            found.append(judgement(_order(object_of(value, transforms, "value").get("ranker"), place)))
        elif result.get("type") == "pairwise":
            side = object_of(value, transforms, "value").get("selected")
            if side not in ("left", "right"):
                raise Rejected(f"The choice is {str(side)[:40]!r}; it takes left or right.")
            found.append(judgement([[0], [1]] if side == "left" else [[1], [0]]))
        else:
            transforms.note(f"results of type {str(result.get('type'))[:40]} left out")
    if not found:
        raise Rejected("An annotation holds neither a ranker's order nor a pairwise choice.")
    return found


def _order(given: Json, place: dict[str, int]) -> list[list[int]]:
    if isinstance(given, dict):
        lists = [value for value in given.values() if value]
        if len(lists) != 1:
            raise Rejected("The field 'ranker' sorts into buckets, and nothing says which is better.")
        given = lists[0]
    ids = [label_of(one) for one in list_of(given, "ranker")]
    if unknown := [one for one in ids if one not in place]:
        raise Rejected(f"The ranker names {unknown[0][:80]!r}, which is not an answer.")
    return [[place[one]] for one in ids]
