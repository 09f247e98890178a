"""Our own archive: rows of the `raw` configuration of an export (docs/formats.md)."""

from __future__ import annotations

import json
from dataclasses import replace

from common.shapes import Json, JsonObject, Message
from labeling.importers._fields import kind_of, label_of, object_of, text_of, truth_of
from labeling.importers._items import checked, dialogue, judged, judgement, paraphrases_of
from labeling.importers._more import grades_of, marks_of, scales_of
from labeling.importers.base import (
    COMPARISONS,
    DEMONSTRATIONS,
    PROMPTS,
    RATINGS,
    Item,
    Judgement,
    Rejected,
    Text,
    Transforms,
)

TYPES = ("prompt", "dialogue", "comparison")


class Raw:
    about = "rows of the raw configuration of our own exports"
    version = 4
    keys = frozenset({"type", "record"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and record.get("type") in TYPES and "record" in record

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        type_ = fields.get("type")
        if type_ not in TYPES:
            raise Rejected(f"The type is {str(type_)[:40]!r}; it takes {', '.join(TYPES)}.")
        body = _body(fields.get("record"))
        if type_ == "prompt":
            if kind not in ("", PROMPTS):
                raise Rejected(f"The row is a prompt; it cannot be imported as {kind}.")
            messages = checked(_messages(body.get("messages")), last="user")
            return [Item(PROMPTS, messages, paraphrases=paraphrases_of(body))]
        if type_ == "dialogue":
            return _dialogue(body, kind)
        return _comparison(body, kind, transforms)


IMPORTER = Raw()


def _body(body: Json) -> JsonObject:
    """The row's content, which stands as JSON in a text so that every row of the file has the same columns. All of
    its fields are our own: docs/formats.md says which of them do not come along."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            raise Rejected("The field 'record' is not JSON.") from None
    return _plain(body, "field 'record'")


def _plain(given: Json, what: str) -> JsonObject:
    if not isinstance(given, dict):
        raise Rejected(f"The {what} is {kind_of(given)}, not an object with fields.")
    return given


def _dialogue(body: JsonObject, kind: str) -> list[Item]:
    """The turns, with the thumbs on them. What a model wrote in a chat was never meant as an example."""
    turns = _messages(body.get("turns"))
    rows = [_plain(turn, "turn") for turn in _list(body.get("turns"), "turns")]
    thumbs = [
        (place, truth_of(up, "thumb_up"))
        for place, row in enumerate(rows)
        for one in _list(row.get("feedback"), "feedback")
        if (up := _plain(one, "feedback").get("thumb_up", "")) is not None  # a problem was reported, without a thumb
    ]
    answers = {place for place, turn in enumerate(turns) if turn["role"] == "assistant"}
    context = {place for place in answers if rows[place].get("is_example") is False or body.get("kind") == "chat"}
    if kind and kind != DEMONSTRATIONS:
        return dialogue(turns, kind)
    (item,) = dialogue(turns, DEMONSTRATIONS, context=frozenset(context))
    return [replace(item, kind=RATINGS if thumbs and context == answers else item.kind, thumbs=tuple(thumbs))]


def _comparison(body: JsonObject, kind: str, transforms: Transforms) -> list[Item]:
    """The comparison with every judgement that stands; without order where nobody judged."""
    prompt = _messages(body.get("prompt"))
    given = body.get("completions")
    if not isinstance(given, list) or not given:
        raise Rejected("The comparison has no completions.")
    texts = [_text(_plain(completion, "completion")) for completion in given]
    place = {text.id: index for index, text in enumerate(texts)}
    judgements: list[Judgement] = []
    for row in _list(body.get("rankings"), "rankings"):
        ranking = _plain(row, "row")
        if ranking.get("undone_at") or not ranking.get("groups"):
            transforms.note("judgements taken back or without an order left out")
            continue
        judgements.append(_with_more(_judgement(ranking, place), ranking, place, texts, transforms))
    return judged(prompt, texts, judgements, kind or COMPARISONS)


def _text(completion: JsonObject) -> Text:
    text = text_of(completion.get("text"), "completion")
    return Text(text, label_of(completion.get("model")), label_of(completion.get("id")))


def _judgement(ranking: JsonObject, place: dict[str, int]) -> Judgement:
    """A ranking with completions named by their place instead of their id."""
    groups: list[list[int]] = []
    for group in _list(ranking.get("groups"), "groups"):
        ids = [label_of(cid) for cid in _list(group, "group")]
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


def _with_more(
    order: Judgement, ranking: JsonObject, place: dict[str, int], texts: list[Text], transforms: Transforms
) -> Judgement:
    """With grades on criteria and marks on words."""
    scales = scales_of(ranking.get("scales"), transforms)
    grades = _object(ranking.get("criteria"), "criteria")
    marks = _object(ranking.get("spans"), "spans")
    as_stored = [(text.text, text.text) for text in texts]
    return replace(
        order,
        scales=tuple(scales),
        criteria=grades_of({place[c]: _object(of, "grades") for c, of in grades.items() if c in place}, scales),
        spans=marks_of({place[c]: of for c, of in marks.items() if c in place}, as_stored, transforms),
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
    if isinstance(given, bool) or not isinstance(given, int | float) or not float(given).is_integer():
        raise Rejected(f"A {what} is not a whole number.")
    return int(given)


def _messages(given: Json) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise Rejected("There are no messages.")
    messages: list[Message] = []
    for number, row in enumerate(given, start=1):
        message = _plain(row, "row")
        content = message.get("content", message.get("text"))
        role = text_of(message.get("role"), f"role of message {number}")
        messages.append({"role": role, "content": text_of(content, f"text of message {number}")})
    return messages
