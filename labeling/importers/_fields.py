"""Reading a record's fields: each function returns what was asked for or refuses the record with a sentence."""

from __future__ import annotations

from common.shapes import Json, JsonObject
from common.visible import visible
from labeling.errors import Invalid
from labeling.importers.base import Rejected, Transforms
from labeling.text import CONTROL_TOKENS, clean


def field_of(record: JsonObject, *names: str) -> Json:
    """The first of these fields that the record has."""
    return next((record[name] for name in names if name in record), None)


def object_of(record: Json) -> JsonObject:
    if not isinstance(record, dict):
        raise Rejected(f"The record is {kind_of(record)}, not an object with fields.")
    return record


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
    while (match := CONTROL_TOKENS.search(bare)) and not bare[match.end() :].strip():
        bare = bare[: match.start()].rstrip()
        transforms.note("control token at the end dropped")
    if bare != text:
        transforms.note("outer whitespace of the answer stripped")
    if not visible(bare):
        raise Rejected(f"The {what} is empty.")
    return bare


def label_of(value: Json) -> str:
    """A name or an id, which some files give as a number; empty where there is none."""
    return str(value or "")


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
