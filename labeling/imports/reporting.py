"""The report of an import: counts, refusals by line, transforms, and the first records before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from common.shapes import Json, Message
from labeling.importers.base import Item
from labeling.imports.records import Parsed

ERRORS_KEPT = 1_000


class Refusal(TypedDict):
    line: int
    reason: str


class Shown(TypedDict):
    """An item as a person is shown it."""

    kind: str
    messages: list[Message]
    completions: list[str]
    order: list[list[int]]


class Sample(TypedDict):
    line: int
    before: Json
    transforms: list[str]
    after: list[Shown]


class Summary(TypedDict):
    """The last line of `import_dialogues`."""

    rows: int
    imported: int
    rejected: int
    already_there: int
    errors: list[Refusal]
    format: str
    source: str
    made: dict[str, int]
    transforms: dict[str, int]
    not_used: dict[str, int]


@dataclass
class Report:
    """What became of the records of a file: each is imported, there already, or rejected."""

    format: str = ""
    source: str = ""
    rows: int = 0
    imported: int = 0
    already_there: int = 0
    rejected: int = 0
    errors: list[Refusal] = field(default_factory=list)  # the first thousand
    made: Counter[str] = field(default_factory=Counter)  # prompts, demonstrations, ratings, comparisons, rankings
    transforms: Counter[str] = field(default_factory=Counter)  # records by transform
    unused: Counter[str] = field(default_factory=Counter)  # records by field that nothing was made of
    samples: list[Sample] = field(default_factory=list)

    def reject(self, lines: Sequence[int], reason: str) -> None:
        self.rejected += len(lines)
        for line in lines[: max(0, ERRORS_KEPT - len(self.errors))]:
            self.errors.append({"line": line, "reason": reason})

    def count(self, batch: Sequence[Parsed], made: Sequence[Sequence[str]]) -> None:
        """Count records that were stored; `made` holds the kinds of the items made of each."""
        for parsed, kinds in zip(batch, made, strict=True):
            self.unused.update(parsed.unused)
            if not kinds:
                self.already_there += len(parsed.lines)
                continue
            self.imported += len(parsed.lines)
            self.made.update(kinds)
            self.transforms.update(parsed.transforms)

    def show(self, batch: Sequence[Parsed], most: int) -> None:
        """Keep the first records as samples, up to `most` in all."""
        for parsed in batch[: max(0, most - len(self.samples))]:
            after = [_shown(item) for item in parsed.items]
            self.samples.append(
                {"line": parsed.line, "before": parsed.record, "transforms": parsed.transforms, "after": after}
            )

    def to_dict(self) -> Summary:
        return {
            "rows": self.rows,
            "imported": self.imported,
            "rejected": self.rejected,
            "already_there": self.already_there,
            "errors": self.errors,
            "format": self.format,
            "source": self.source,
            "made": dict(self.made),
            "transforms": dict(self.transforms.most_common()),
            "not_used": dict(self.unused.most_common()),
        }


def _shown(item: Item) -> Shown:
    return {
        "kind": item.kind,
        "messages": item.messages,
        "completions": [text.text for text in item.completions],
        "order": [list(group) for group in item.groups],
    }
