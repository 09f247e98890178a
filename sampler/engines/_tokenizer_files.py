"""The special tokens of a tokenizer, out of the JSON files that lie beside a checkpoint, or what a server tells of it.
No tokenizer is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from common.shapes import JsonLike, JsonObject


def special_tokens(folder: Path) -> list[str]:
    """The special tokens of the tokenizer that lies in a folder, read from its JSON files; none where it has none."""
    files = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    return sorted({token for name in files for token in special_tokens_in(_json_of(folder / name))})


def special_tokens_in(settings: JsonObject) -> set[str]:
    """The special tokens that the settings of a tokenizer name, in any of the ways in which they are written."""
    added, decoder = settings.get("added_tokens"), settings.get("added_tokens_decoder")
    found = _special(added if isinstance(added, list) else ())
    found |= _special(decoder.values() if isinstance(decoder, dict) else ())
    for name, value in settings.items():
        if name.endswith(("_token", "special_tokens")):
            found |= set(map(_text_of, value if isinstance(value, list) else [value]))
    return found - {""}


def _special(tokens: Iterable[JsonLike]) -> set[str]:
    return {_text_of(token) for token in tokens if isinstance(token, Mapping) and token.get("special")}


def _text_of(token: JsonLike) -> str:
    text = token.get("content") if isinstance(token, Mapping) else token
    return text if isinstance(text, str) else ""


def _json_of(path: Path) -> JsonObject:
    """The object in a file; empty where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
