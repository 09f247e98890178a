"""Our own archive: rows of the `raw` configuration of an export (docs/formats.md)."""

from __future__ import annotations

import json

from common.shapes import Json, JsonObject, Message
from labeling.importers._fields import label_of, object_of, text_of
from labeling.importers._items import checked, dialogue, judged, judgement
from labeling.importers.base import COMPARISONS, DEMONSTRATIONS, PROMPTS, Item, Judgement, Rejected, Text, Transforms

TYPES = ("prompt", "dialogue", "comparison")


class Raw:
    about = "rows of the raw configuration of our own exports"
    version = 1
    keys = frozenset({"type", "record"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and record.get("type") in TYPES and "record" in record

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        record = object_of(record)
        if record.get("type") not in TYPES:
            raise Rejected(f"The type is {record.get('type')!r}; it takes {', '.join(TYPES)}.")
        body = _body(record)
        if record["type"] == "prompt":
            if kind not in ("", PROMPTS):
                raise Rejected(f"The row is a prompt; it cannot be imported as {kind}.")
            return [Item(PROMPTS, checked(_messages(body.get("messages")), last="user"))]
        if record["type"] == "dialogue":
            return dialogue(_messages(body.get("turns")), kind or DEMONSTRATIONS)
        return _comparison(body, kind, transforms)


IMPORTER = Raw()


def _body(record: JsonObject) -> JsonObject:
    """The row's content, which stands as JSON in a text so that every row of the file has the same columns."""
    body = record.get("record")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            raise Rejected("The field 'record' is not JSON.") from None
    return object_of(body)


def _comparison(body: JsonObject, kind: str, transforms: Transforms) -> list[Item]:
    """The comparison with every judgement that stands; without order where nobody judged."""
    prompt = _messages(body.get("prompt"))
    given = body.get("completions")
    if not isinstance(given, list) or not given:
        raise Rejected("The comparison has no completions.")
    texts = [_text(object_of(completion)) for completion in given]
    place = {text.id: index for index, text in enumerate(texts)}
    judgements: list[Judgement] = []
    for row in _list(body.get("rankings"), "rankings"):
        ranking = object_of(row)
        if ranking.get("undone_at") or not ranking.get("groups"):
            transforms.note("judgements taken back or without an order left out")
            continue
        judgements.append(_judgement(ranking, place))
    return judged(prompt, texts, judgements, kind or COMPARISONS)


def _text(completion: JsonObject) -> Text:
    text = text_of(completion.get("text"), "completion")
    return Text(text, label_of(completion.get("model")), label_of(completion.get("id")))


def _judgement(ranking: JsonObject, place: dict[str, int]) -> Judgement:
    """A ranking with completions named by their place instead of their id."""
    groups: list[list[int]] = []
    for group in _list(ranking.get("groups"), "groups"):
        ids = [str(cid) for cid in _list(group, "group")]
        if any(cid not in place for cid in ids):
            raise Rejected("A judgement names a completion that is not there.")
        groups.append([place[cid] for cid in ids])
    ratings = _object(ranking.get("ratings"), "ratings")
    flags = _object(ranking.get("flags"), "flags")
    return judgement(
        groups,
        ratings={place[cid]: _whole(rating, "rating") for cid, rating in ratings.items() if cid in place},
        flags={
            place[cid]: [text_of(name, "flag") for name in _list(names, "flags")]
            for cid, names in flags.items()
            if cid in place
        },
        strengths=tuple(_whole(level, "strength") for level in _list(ranking.get("strengths"), "strengths")),
        note=text_of(ranking.get("note") or "", "note"),
    )


def _list(given: Json, what: str) -> list[Json]:
    if given and not isinstance(given, list):
        raise Rejected(f"The {what} of a comparison are not a list.")
    return given if isinstance(given, list) else []


def _object(given: Json, what: str) -> JsonObject:
    if given and not isinstance(given, dict):
        raise Rejected(f"The {what} of a judgement are not an object.")
    return given if isinstance(given, dict) else {}


def _whole(given: Json, what: str) -> int:
    """5 and 5.0: tools that hold a column with gaps as floats write it back so."""
    if isinstance(given, bool) or not isinstance(given, int | float) or int(given) != given:
        raise Rejected(f"A {what} is not a whole number.")
    return int(given)


def _messages(given: Json) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise Rejected("There are no messages.")
    messages: list[Message] = []
    for number, row in enumerate(given, start=1):
        message = object_of(row)
        content = message.get("content", message.get("text"))
        role = text_of(message.get("role"), f"role of message {number}")
        messages.append({"role": role, "content": text_of(content, f"text of message {number}")})
    return messages
