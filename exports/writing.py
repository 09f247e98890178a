"""Where the pipeline's records come from and its rows go to: the database's snapshot, and the files of the
folder. Many rankings are shared out to processes that turn them into bytes (`exports/encoding.py`), while this one
writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from exports import archive, assistants, expected, records
from exports.encoding import Last, Part, encoded
from exports.files import SplitFile
from exports.jsonl import Shard, Stored, encoder
from exports.pipeline import Pipeline
from exports.scopes import Ground
from exports.snapshot import Snapshot
from exports.spool import Spooled, bits_for

Progress = Callable[[int], None]
PROGRESS_EVERY = 2_000
TOMBSTONES = "tombstones.jsonl"
MANY = 10_000  # rankings from which assistants are worth their start
ASSISTANTS = 2
READ: dict[str, Callable[..., Iterator[Any]]] = {
    "turns": records.turns,
    "feedback": records.feedback,
    "prompts": records.prompts,
    "raw": archive.raw,
}


class Writing:
    """Writes every row of an export into `folder`."""

    def __init__(self, *, folder: Path, ground: Ground, progress: Progress) -> None:
        self.ground, self._folder, self._progress = ground, folder, progress
        self._tombstones: Shard | None = None
        self._reported = 0
        self._records: Counter[str] = Counter()  # by source
        self._rows: Counter[str] = Counter()
        self.pipeline = Pipeline(ground=ground, make_file=self._file, bury=self._bury)
        self.tally = self.pipeline.tally

    def _file(self, name: str, split: str, module: ModuleType) -> Any:
        if make := getattr(module, "open_file", None):
            return make(self._folder, name, split)
        options = self.ground.options
        encode = encoder(module.COLUMNS)
        return SplitFile(self._folder, name, split, shards=options.shards, compress=options.compress, encode=encode)

    def _bury(self, tombstone: str) -> None:
        if self._tombstones is None:
            self._tombstones = Shard(self._folder / TOMBSTONES, "")
        self._tombstones.write(tombstone)

    def _tell(self) -> None:
        if self.tally.rows - self._reported >= PROGRESS_EVERY:
            self._reported = self.tally.rows
            self._progress(self.tally.rows)

    def count(self, view: Snapshot) -> int:
        """Count the records that there are; how many rows there will be at about."""
        for source in self.pipeline.configs_of:
            modules = [self.pipeline.outputs[name].module for name in self.pipeline.outputs_of(source)]
            self._records[source], self._rows[source] = expected.counted(view, self.ground.params, source, modules)
        return self._rows.total()

    def run(self, view: Snapshot) -> None:
        for source in self.pipeline.configs_of:
            if source == "rankings":
                self._rankings(view)
            else:
                self.pipeline.feed(source, READ[source](view, self.ground.params), told=self._tell)
        self._progress(self.tally.rows)

    def _rankings(self, view: Snapshot) -> None:
        queries = records.ranking_queries(by_comparison=bool(self.ground.options.consensus))
        outputs = [self.pipeline.outputs[name].module for name in self.pipeline.outputs_of("rankings")]
        many = self._records["rankings"] >= MANY
        bits = bits_for(self._rows["rankings"])
        with view.spooled(queries, self.ground.params, bits=bits, shared=many) as spooled:
            if many and not any(hasattr(module, "open_file") for module in outputs):
                self._share_out(spooled)
            else:
                found = (group for bucket in spooled.groups() for group in bucket)
                self.pipeline.feed("rankings", records.rankings(found), told=self._tell)

    def _share_out(self, spooled: Spooled) -> None:
        """As `feed`, by assistants who take turns; their parts are written in the order of the keys."""
        ground = self.ground.portable()
        with ExitStack() as stack:
            parts = [
                stack.enter_context(assistants.started(encoded, ground, spooled, place, ASSISTANTS))
                for place in range(ASSISTANTS)
            ]
            place = 0
            while parts:
                part = next(parts[place])
                if isinstance(part, Last):
                    self._count(part)
                    parts.pop(place)
                else:
                    self._take(part)
                    place += 1
                place = place % len(parts) if parts else 0

    def _take(self, part: Part) -> None:
        for name, split, block in part.files:
            self.pipeline.outputs[name].files[split].take(block)
        for tombstone in part.tombstones:
            self._bury(tombstone)
        self.tally.rows += part.rows
        self._tell()

    def _count(self, last: Last) -> None:
        self.tally.add(last.tally)
        for name, split, columns in last.dates:
            self.pipeline.outputs[name].files[split].dates.add(columns)

    def finish(self) -> list[Stored]:
        """Close every file; those written, in the order of their paths."""
        stored: list[Stored] = []
        for name, output in self.pipeline.outputs.items():
            for file in output.files.values():
                stored += file.finish()
                if file.only_dates:
                    self.tally.excluded["every text of the file is a date, which loaders change"] += file.rows
            extra = getattr(output.module, "extra_files", None)
            if extra and any(f.config == name for f in stored):
                stored += extra(self._folder, name, [f for f in stored if f.config == name])
        if self._tombstones is not None:
            size, digest = self._tombstones.close()
            stored.append(Stored(TOMBSTONES, "", "", self._tombstones.rows, size, digest))
        return sorted(stored, key=lambda file: file.path)

    def lengths(self) -> dict[str, dict[str, int]]:
        return {name: lengths.percentiles() for name, lengths in self.tally.lengths.items() if lengths.steps}
