"""What an export counts while it writes: exclusions by reason, judges, lengths of texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from exports.jsonl import texts

LENGTH_STEP = 64


@dataclass
class Lengths:
    """How long the rows of a configuration are, by which a reader picks a context length."""

    steps: Counter[int] = field(default_factory=Counter)
    seen: int = 0

    def measure(self, row: dict[str, Any]) -> None:
        """Count a row's texts: of every row at first, of every 16th later."""
        self.seen += 1
        if self.seen > 1_000 and self.seen % 16:
            return
        self.steps[sum(len(text) for value in row.values() for text in texts(value)) // LENGTH_STEP] += 1

    def percentiles(self) -> dict[str, int]:
        total, passed, found = sum(self.steps.values()), 0, {}
        bounds = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        for step, n in sorted(self.steps.items()):
            passed += n
            for name, share in bounds.items():
                if name not in found and passed >= share * total:
                    found[name] = (step + 1) * LENGTH_STEP
        return found


@dataclass
class Tally:
    """Counts of one export, or of one process's part of it."""

    rows: int = 0
    excluded: Counter[str] = field(default_factory=Counter)  # records by reason, each once
    by_config: dict[str, Counter[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    judges: set[int] = field(default_factory=set)
    by_k: Counter[int] = field(default_factory=Counter)
    available: Counter[str] = field(default_factory=Counter)  # of a source that is mixed in
    mixed: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, Lengths] = field(default_factory=dict)

    def excluded_of(self, config: str) -> Counter[str]:
        return self.by_config.setdefault(config, Counter())

    def lengths_of(self, output: str) -> Lengths:
        return self.lengths.setdefault(output, Lengths())

    def add(self, other: Tally) -> None:
        """Take the counts of another process in; its rows were counted as they came."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if item.name not in ("rows", "by_config", "lengths"):
                mine.update(theirs)
        for config, counter in other.by_config.items():
            self.excluded_of(config).update(counter)
        for name, lengths in other.lengths.items():
            self.lengths_of(name).steps.update(lengths.steps)
