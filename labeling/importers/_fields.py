"""Reading a record's fields: each function returns what was asked for or refuses the record with a sentence."""

from __future__ import annotations

import math

from common.shapes import Json, JsonObject
from common.visible import visible
from labeling.errors import Invalid
from labeling.importers.base import Fields, Rejected, Transforms
from labeling.text import clean


def field_of(record: JsonObject, *names: str) -> Json:
    """The first of these fields that the record has."""
    return next((record[name] for name in names if name in record), None)


def object_of(record: Json, transforms: Transforms, where: str = "") -> Fields:
    """An object for reading; `where` names it in the report, empty for the record itself."""
    if not isinstance(record, dict):
        what = f"The field {where!r}" if where else "The record"
        raise Rejected(f"{what} is {kind_of(record)}, not an object with fields.")
    if isinstance(record, Fields):
        return record
    return transforms.opened(record, where)


def list_of(value: Json, what: str) -> list[Json]:
    """A list with something in it.

    Raises:
        Rejected
    """
    if not isinstance(value, list):
        raise Rejected(f"The {what} is {kind_of(value)}, not a list.")
    if not value:
        raise Rejected(f"The {what} is empty.")
    return value


def text_of(value: Json, what: str) -> str:
    """A text as it is stored.

    Raises:
        Rejected: no text, or one that cannot be stored.
    """
    if value is None:
        raise Rejected(f"There is no {what}.")
    if not isinstance(value, str):
        raise Rejected(f"The {what} is {kind_of(value)}, not a text.")
    if "\ufffd" in value and "\udcff" in value:  # pragma: no cover - both at once mean a broken decoder
        raise Rejected(f"The {what} is not UTF-8.")
    try:
        return clean(value)
    except Invalid as error:
        raise Rejected(f"The {what} cannot be stored: {_lower(error)}") from None


def answer_of(value: Json, what: str, transforms: Transforms) -> str:
    """A text that a model or a person answered: stripped, less control tokens at its end."""
    text = text_of(value, what)
    bare = text.strip()
    if (ended := transforms.control_tokens.without_last(bare)) != bare:
        bare = ended
        transforms.note("control token at the end dropped")
    if bare != text:
        transforms.note("outer whitespace of the answer stripped")
    if not visible(bare):
        raise Rejected(f"The {what} is empty.")
    return bare


def label_of(value: Json) -> str:
    """A name or an id, which some files give as a number; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Rejected(f"A name or an id is {kind_of(value)}, not a text.")
    return str(value)


def truth_of(value: Json, what: str) -> bool:
    """True or false, as JSON or as a table without types writes it.

    Raises:
        Rejected
    """
    known = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    given = str(value).strip().lower()
    if isinstance(value, bool | int | float | str) and given in known:
        return known[given]
    raise Rejected(f"The field {what!r} is neither true nor false.")


def number_of(value: Json, what: str) -> float:
    """A finite number, also where a table holds it as a text.

    Raises:
        Rejected
    """
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Rejected(f"The field {what!r} is not a number.")
    return number


def kind_of(value: Json) -> str:
    """What a JSON value is, for a sentence."""
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return "nothing" if value is None else names.get(type(value), "something else")


def _lower(error: Exception) -> str:
    sentence = str(error)
    return sentence[:1].lower() + sentence[1:]
