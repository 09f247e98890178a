"""A record on its way from a file into the database, and what stops it. No code that reads or stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.shapes import Json
from labeling.importers.base import Item


class Unreadable(Exception):
    """The file as a whole cannot be read; the message is a sentence."""


@dataclass(frozen=True)
class Found:
    """A record, or why there is none, at a line of the file (records of an array count from 1)."""

    line: int
    record: Json = None
    reason: str = ""


@dataclass(frozen=True)
class Parsed:
    """A record with the items that it becomes; not yet stored."""

    lines: Sequence[int]  # more than one where several records of the file make one
    record: Json
    items: list[Item]
    transforms: list[str]
    unused: list[str]  # fields that changed nothing
    identity: Sequence[str]  # what tells it from every other record of its source

    @property
    def is_first(self) -> bool:
        """Whether nothing before it in its source said the same, or it has an id to be told by."""
        return self.identity[0] == "id" or self.identity[-1] == "1"

    @property
    def line(self) -> int:
        return self.lines[0]
