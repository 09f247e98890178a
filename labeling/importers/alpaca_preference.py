"""Preferences over Alpaca's records: `instruction` and perhaps `input` with `chosen` and `rejected`, with an `output`
of the better and the worse answer, or with `output_1`, `output_2` and `preference` (AlpacaFarm: 1 or 2)."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers import alpaca
from labeling.importers._fields import number_of, object_of
from labeling.importers._items import comparison
from labeling.importers._messages import answer_in
from labeling.importers.base import Fields, Item, Rejected, Text, Transforms

PAIRS = (("chosen", "rejected"), ("output_1", "output_2"))


class AlpacaPreference:
    about = "instruction and input with chosen and rejected, or output_1, output_2 and preference"
    version = 1
    keys = frozenset({"instruction", "input", "system", "history", "output", "preference", *PAIRS[0], *PAIRS[1]})

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict) or "instruction" not in record:
            return False
        return any(set(pair) <= set(record) for pair in PAIRS) or isinstance(record.get("output"), list)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = alpaca.asked(fields, transforms)
        answers, groups = _answers(fields)
        texts = [Text(answer_in(one, "output", transforms)) for one in answers]
        return comparison(messages, texts, groups, kind)


IMPORTER = AlpacaPreference()


def _answers(fields: Fields) -> tuple[list[Json], list[list[int]]]:
    """The two answers and their order."""
    if "output_1" in fields:
        place = number_of(fields.get("preference"), "preference")
        if place not in (1, 2):
            raise Rejected(f"The preference is {place:g}; it takes 1 or 2.")
        first = int(place) - 1
        return [fields.get("output_1"), fields.get("output_2")], [[first], [1 - first]]
    if isinstance(output := fields.get("output"), list):
        if len(output) != 2:
            raise Rejected("The output takes the better and the worse answer, two texts.")
        return output, [[0], [1]]
    return [fields.get("chosen"), fields.get("rejected")], [[0], [1]]
