"""K completions of one prompt and their order: rows of our own `rankings`, of NeMo-RL, and plain lists.

The order is read from `ranking` (best first, by id or by place from 0; a list in it is a tie), from `ranks` or the
completions' own `rank` (lowest is best), or from `scores` (highest is best). Without any it waits for votes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from common.shapes import Json
from labeling.importers._fields import field_of, label_of, list_of, number_of, object_of, text_of
from labeling.importers._items import judged, judgement, ranked
from labeling.importers._messages import answer_in, prompt_of, with_system
from labeling.importers._more import grades_of, marks_of, scales_of
from labeling.importers.base import Fields, Item, Judgement, Rejected, Text, Transforms

PROMPT = ("context", "prompt", "question", "messages")
COMPLETIONS = ("completions", "responses")
ORDERS = ("ranking", "ranks", "scores")
TEXT = ("text", "completion", "response", "answer", "content")


class Rankings:
    about = "prompt, context or messages with K completions and their ranking, ranks or scores"
    version = 2
    keys = frozenset({*PROMPT, *COMPLETIONS, *ORDERS, "system", "note", "status", "strengths", "scales"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and any(name in record for name in PROMPT)
            and any(isinstance(record.get(name), list) for name in COMPLETIONS)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        if fields.get("status") == "not_rankable":
            raise Rejected("The field 'status' says that nobody could rank the completions.")
        messages = with_system(prompt_of(field_of(fields, *PROMPT), transforms), fields.get("system"))
        given = list_of(field_of(fields, *COMPLETIONS), "list of completions")
        objects = [None if isinstance(one, str) else object_of(one, transforms, "completions") for one in given]
        texts = [_text(one, fields, transforms) for one, fields in zip(given, objects, strict=True)]
        groups = _groups(fields, objects, texts)
        if not groups:
            return judged(messages, texts, [], kind)
        order = _judgement(fields, objects, groups)
        return judged(messages, texts, [_with_more(order, fields, objects, texts, transforms)], kind)


IMPORTER = Rankings()


def _text(given: Json, fields: Fields | None, transforms: Transforms) -> Text:
    if fields is None:
        return Text(answer_in(given, "completion", transforms))
    text = answer_in(field_of(fields, *TEXT), "completion", transforms)
    id_ = label_of(field_of(fields, "id", "completion_id"))
    return Text(text, label_of(field_of(fields, "model", "model_version")), id_)


def _judgement(fields: Fields, objects: list[Fields | None], groups: list[list[int]]) -> Judgement:
    """The order with what else the judge said of each completion."""
    overall = {i: one.get("overall") for i, one in enumerate(objects) if one is not None}
    flags = {i: one.get("flags") for i, one in enumerate(objects) if one is not None}
    strengths = fields.get("strengths") or []
    return judgement(
        groups,
        ratings={i: int(number_of(value, "overall")) for i, value in overall.items() if value is not None},
        flags={i: [text_of(name, "flag") for name in list_of(names, "flags")] for i, names in flags.items() if names},
        strengths=tuple(int(number_of(level, "strengths")) for level in list_of(strengths, "strengths"))
        if strengths
        else (),
        note=text_of(fields.get("note") or "", "note").strip(),
    )


def _with_more(
    order: Judgement, fields: Fields, objects: list[Fields | None], texts: list[Text], transforms: Transforms
) -> Judgement:
    """With grades on criteria and marks on words, where the completions have them."""
    scales = scales_of(fields.get("scales"), transforms)
    opened = {i: one for i, one in enumerate(objects) if one is not None}
    grades = {i: _grades(one.get("criteria"), transforms) for i, one in opened.items()}
    came = [_as_it_came(one) for one in objects]
    marks = {i: one.get("spans") for i, one in opened.items()}
    return replace(
        order,
        scales=tuple(scales),
        criteria=grades_of(grades, scales),
        spans=marks_of(marks, [(came[i], text.text) for i, text in enumerate(texts)], transforms),
    )


def _grades(given: Json, transforms: Transforms) -> dict[str, Json]:
    rows = [object_of(one, transforms, "criteria") for one in list_of(given, "criteria")] if given else []
    return {label_of(row.get("name")): row.get("grade") for row in rows}


def _as_it_came(fields: Fields | None) -> str:
    """A completion's text before it was stripped."""
    given = field_of(fields, *TEXT) if fields is not None else None
    if isinstance(given, list) and given and isinstance(given[0], dict):
        given = given[0].get("content")
    return given if isinstance(given, str) else ""


def _groups(fields: Fields, objects: list[Fields | None], texts: list[Text]) -> list[list[int]]:
    """The order as given; refused where two ways of giving it stand side by side and differ."""
    own = [one.get("rank") if one is not None else None for one in objects]
    found: list[list[list[int]]] = []
    if given := fields.get("ranking"):
        found.append(_listed(given, texts))
    if given := fields.get("ranks"):
        found.append(_placed(given, "ranks", len(texts), float))
    if given := fields.get("scores"):
        found.append(_placed(given, "scores", len(texts), lambda score: -score))
    if any(rank is not None for rank in own):
        if None in own:
            raise Rejected("Some completions have a 'rank', others have none.")
        found.append(ranked([number_of(rank, "rank") for rank in own]))
    if any(other != found[0] for other in found):
        raise Rejected("The record gives two orders that differ ('ranking', 'ranks', 'scores' or 'rank').")
    return found[0] if found else []


def _placed(given: Json, name: str, wanted: int, place: Callable[[float], float]) -> list[list[int]]:
    values = [place(number_of(value, name)) for value in list_of(given, name)]
    if len(values) != wanted:
        raise Rejected(f"The field {name!r} has {len(values)} values for {wanted} completions.")
    return ranked(values)


def _listed(given: Json, texts: list[Text]) -> list[list[int]]:
    """Ids or places, best first. Where the completions have ids, they are ids."""
    if not isinstance(given, list):
        raise Rejected("The field 'ranking' is not a list of groups of ids.")
    ids = [text.id for text in texts]
    if any(ids) and len(set(ids)) != len(ids):
        raise Rejected("Two completions have the same id, so the ranking cannot be read.")
    names = ids if any(ids) else [str(place) for place in range(len(texts))]
    place = {name: index for index, name in enumerate(names)}
    groups = [[label_of(i) for i in group] if isinstance(group, list) else [label_of(group)] for group in given]
    if unknown := [i for group in groups for i in group if i not in place]:
        raise Rejected(f"The ranking names {unknown[0][:80]!r}, which is not a completion.")
    return [sorted(place[i] for i in group) for group in groups if group]
