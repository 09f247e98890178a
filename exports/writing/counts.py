"""What an export counts while it writes: exclusions by reason, judges, lengths of texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from exports.writing.files import Row, texts

LENGTH_STEP = 64
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


@dataclass
class Lengths:
    """How long the rows of a configuration are, by which a reader picks a context length."""

    steps: Counter[int] = field(default_factory=Counter)
    seen: int = 0

    def measure(self, row: Row) -> None:
        """Count a row's texts: of every row at first, of every 16th later."""
        self.seen += 1
        measured = self.seen <= 1_000 or self.seen % 16 == 0
        if measured and (size := sum(len(text) for name, value in row.items() for text in texts(value, name))):
            self.steps[size // LENGTH_STEP] += 1  # a row without text, as of `raw`, has no length

    def percentiles(self) -> dict[str, int]:
        total, passed = self.steps.total(), 0
        found: dict[str, int] = {}
        for step, n in sorted(self.steps.items()):
            passed += n
            for name, share in PERCENTILES.items():
                if name not in found and passed >= share * total:
                    found[name] = (step + 1) * LENGTH_STEP
        return found


@dataclass
class Counts:
    """Counts of one export."""

    rows: int = 0
    excluded: Counter[str] = field(default_factory=Counter)  # records by reason, each once
    by_config: dict[str, Counter[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    judges: set[int] = field(default_factory=set)
    by_k: Counter[int] = field(default_factory=Counter)
    available: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # by hash, of each source
    mixed: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, Lengths] = field(default_factory=dict)

    def excluded_of(self, config: str) -> Counter[str]:
        return self.by_config.setdefault(config, Counter())

    def exclude(self, configs: list[str], reason: str) -> None:
        self.excluded[reason] += 1
        for config in configs:
            self.excluded_of(config)[reason] += 1
