"""`raw`: everything that stands, imported data included whether mixed in or not, for archives and for
`import_dialogues … raw`.

One row a prompt, dialogue or comparison (with its judgements). `record` is JSON in a text: its shape
differs by type, and a loader that infers columns would fail on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from common.shapes import Json, JsonObject
from exports.formats.base import Context, Format, columns_of
from exports.sources import raw
from exports.sources.raw import RawRecord
from exports.writing.jsonl import line
from labeling.withdrawal import WITHDRAWN

PEOPLE = ("author", "trainer", "reviewer", "user")
TEXTS = ("text", "content", "note", "comment", "how")


class Archived(TypedDict):
    id: str
    type: str
    created_at: str
    record: str


class Raw(Format[RawRecord, Archived]):
    source = raw.SOURCE
    about = "Prompts, dialogues and comparisons with their judgements, imported ones too, as JSON in `record`."
    columns = columns_of(Archived)

    def rows(self, record: RawRecord, context: Context) -> Iterator[Archived]:
        context.counts[f"raw {record.type}s"] += 1
        body: JsonObject = {name: _hidden(value, context, name) for name, value in record.body.items()}
        body["round"] = context.rounds.get(str(body.get("round")))
        body["guideline_version"] = context.guidelines.get(str(body.get("guideline_version")))
        yield {"id": record.id, "type": record.type, "created_at": record.created_at, "record": line(body)}


def _hidden(value: Json, context: Context, name: str) -> Json:
    """Ids of people become pseudonyms, those of model versions their names; texts go out as in every format, and what
    stands for a withdrawn one does not."""
    if isinstance(value, dict):
        return {key: _hidden(inner, context, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner, context, name) for inner in value]
    if name in PEOPLE and isinstance(value, int):
        return context.name(value)
    if name in TEXTS and isinstance(value, str):
        return "" if value == WITHDRAWN else context.text(value)
    if name == "model" and isinstance(value, str) and value in context.models:
        return context.model(value, None, None)
    return value


FORMAT = Raw()
