"""The bodies of ordinary requests, read by type: what passes here is what the shape of the same name makes of it.

A shape also takes what can be read as the right thing (`"7"` for 7, spaces around an id); such a body is not ordinary,
and neither is one that is wrong: the shape reads it instead, and says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from common.shallow_json import too_deep
from common.shapes import JsonLike
from labeling.api.direct import NotOrdinary
from labeling.api.shapes.base import BIGGEST
from labeling.judgements import Said
from labeling.text import MAX_CHARACTERS

RANKING = frozenset(
    {"groups", "ratings", "flags", "strengths", "note", "not_rankable", "ideal_answer", "seconds", "confirmed"}
)
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
T = TypeVar("T")


class Ranking(Said):
    seconds: int | None


def ranking(body: Mapping[str, object]) -> Ranking:
    """`shapes.ranking.RankingIn`."""
    if not RANKING.issuperset(body):
        raise NotOrdinary
    return {
        "groups": _list(body.get("groups", []), lambda group: _list(group, _label(64), 9), 9),
        "ratings": _by_name(body.get("ratings", {}), lambda value: whole(value, 7, least=1)),
        "flags": _by_name(body.get("flags", {}), lambda names: _list(names, _label(200))),
        "strengths": _list(body.get("strengths", []), lambda value: whole(value, 4, least=1), 8),
        "note": _text(body.get("note", "")),
        "not_rankable": _label(200)(reason) if (reason := body.get("not_rankable") or "") else "",
        "ideal_answer": _text(body.get("ideal_answer", "")),
        # Few projects ask for these: a body with one of them is left to the shape.
        "ideal_from": "",
        "criteria": {},
        "spans": {},
        "seconds": None if (seconds := body.get("seconds")) is None else whole(seconds, BIGGEST),
        "confirmed": _of(bool, body.get("confirmed", True)),
    }


def task(body: Mapping[str, object]) -> None:
    """`shapes.ranking.TaskIn`."""
    if body not in ({}, {"task": "ranking"}):
        raise NotOrdinary


def draft(body: Mapping[str, object]) -> tuple[dict[str, JsonLike], int | None, int]:
    """`shapes.ranking.DraftIn`: the draft, the version that was read, and seconds."""
    if not {"draft", "version", "seconds"}.issuperset(body) or too_deep(body):
        raise NotOrdinary
    version = body.get("version")
    return (
        _of(dict, body.get("draft")),
        None if version is None else whole(version, BIGGEST),
        whole(body.get("seconds", 0), 600),
    )


def whole(value: object, most: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= most:
        raise NotOrdinary
    return value


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise NotOrdinary
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS or NOT_TEXT.search(value):
        raise NotOrdinary
    return value


def _label(longest: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not value or len(value) > longest:
            raise NotOrdinary
        if value != value.strip() or NOT_TEXT.search(value):
            raise NotOrdinary
        return value

    return read


def _list(value: object, item: Callable[[object], T], most: int = BIGGEST) -> list[T]:
    if not isinstance(value, list) or len(value) > most:
        raise NotOrdinary
    return [item(found) for found in value]


def _by_name(value: object, item: Callable[[object], T]) -> dict[str, T]:
    if not isinstance(value, dict):
        raise NotOrdinary
    return {str(name): item(found) for name, found in value.items()}
