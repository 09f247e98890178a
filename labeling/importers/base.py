"""The contract of an importer: what it declares, what it makes of a record, and how it refuses one.

How importers read the fields of a record is `_fields.py`; what they build items with, `_items.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from common.plugins import Folder
from common.shapes import Json, Message

PROMPTS, DEMONSTRATIONS, COMPARISONS = "prompts", "demonstrations", "comparisons"
KINDS = (PROMPTS, DEMONSTRATIONS, COMPARISONS)
MAX_COMPLETIONS = 9
ID_KEYS = ("id", "message_tree_id")  # the id of a record, whatever its format: a file that repeats one is at fault


class Rejected(ValueError):
    """The record cannot be imported; the message is the reason, a sentence."""


@dataclass(frozen=True)
class Text:
    """A completion of a comparison, as it came."""

    text: str
    model: str = ""
    id: str = ""


@dataclass(frozen=True)
class Judgement:
    """One order of a comparison's completions, which it names by their index."""

    groups: tuple[tuple[int, ...], ...]  # best first
    ratings: Mapping[int, int] = field(default_factory=dict)
    flags: Mapping[int, list[str]] = field(default_factory=dict)
    strengths: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One thing to store: messages that end with the user's (prompt), with the assistant's
    (demonstration), or a prompt with completions and perhaps their order (comparison)."""

    kind: str
    messages: list[Message]
    completions: tuple[Text, ...] = ()
    judgements: tuple[Judgement, ...] = ()  # none: not ordered

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The first judgement's order."""
        return self.judgements[0].groups if self.judgements else ()

    def content(self) -> dict[str, object]:
        """What makes two items the same."""
        further = [[list(group) for group in judgement.groups] for judgement in self.judgements[1:]]
        return ({"further": further} if further else {}) | {
            "kind": self.kind,
            "messages": self.messages,
            "completions": [[c.text, c.model] for c in self.completions],
            "groups": [list(group) for group in self.groups],
        }


@dataclass(frozen=True)
class Options:
    """Transforms that are made only on request."""

    split_turns: bool = False  # a prompt that is wholly a transcript becomes turns
    keep_preamble: bool = False  # Alpaca's preamble becomes the system message


class Transforms:
    """Names of the transforms applied to one record; each is counted over the import."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.names: list[str] = []

    def note(self, name: str) -> None:
        if name not in self.names:
            self.names.append(name)


class Importer(Protocol):
    """One source format. A file of this folder holds one, under the name IMPORTER."""

    @property
    def about(self) -> str:
        """A line on what the records look like."""

    @property
    def version(self) -> int:
        """Counted up when its transforms change; stored beside what it made."""

    @property
    def keys(self) -> frozenset[str]:
        """The fields of a record that it understands; others are left alone. A test holds `parse` to it."""

    def matches(self, record: Json) -> bool:
        """Whether the record looks like one of this format, for detection."""

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        """The items of one record. `kind` is one of KINDS, or "" for what the record naturally is.

        Raises:
            Rejected: with the reason.
        """


IMPORTERS: Folder[Importer] = Folder("labeling.importers", "IMPORTER")
