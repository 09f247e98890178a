"""`raw`: everything that stands, for archives and for `import_dialogues … raw`.

One row a prompt, dialogue or comparison (with its judgements). `record` is JSON in a text: its shape
differs by type, and a loader that infers columns would fail on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.archive import RawRecord
from exports.formats._shared import Context
from exports.jsonl import line

SOURCE = "raw"
ABOUT = "Prompts, dialogues and comparisons with their judgements, as JSON in the field `record`."
COLUMNS = {"id": "token", "type": "name", "created_at": "token", "record": "string"}


def rows(record: RawRecord, context: Context) -> Iterator[dict[str, Any]]:
    context.counts[f"raw {record.type}s"] += 1
    body = _people_hidden(record.body, context)
    body["round"] = context.rounds.get(body.get("round") or "")
    body["guideline_version"] = context.guidelines.get(body.get("guideline_version") or "")
    yield {"id": record.id, "type": record.type, "created_at": record.created_at, "record": line(body)}


def _people_hidden(value: Any, context: Context, name: str = "") -> Any:
    """Ids of people become pseudonyms; texts go out as everywhere."""
    if isinstance(value, dict):
        return {key: _people_hidden(inner, context, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_people_hidden(inner, context, name) for inner in value]
    if name in ("author", "trainer", "reviewer", "user"):
        return context.name(value)
    if name in ("text", "content", "note", "comment") and isinstance(value, str):
        return context.text(value)
    if name == "model" and isinstance(value, str):
        return context.model(value, None, None) if value in context.models else value
    return value
