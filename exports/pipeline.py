"""From records to files: each record's standing, then its rows for every configuration and rendering
at once. One pass over each kind of record; nothing is held but open files and counters."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from common import plugins
from exports import archive, expected, records, rules, votes
from exports.consensus import consensus
from exports.formats._shared import Context
from exports.jsonl import Shard, SplitFile, Stored, encoder, line, texts
from exports.options import FORMATS, RENDERINGS
from exports.renderings._shared import LeftOut
from exports.scopes import Ground
from exports.snapshot import Snapshot
from labeling.text import prompt_key, split_of

Progress = Callable[[int], None]
PROGRESS_EVERY = 2_000
SPLITS = ("train", "test")
TOMBSTONES = "tombstones.jsonl"
LENGTH_STEP = 64
Judge = Callable[[Any, str, Any], str]
SOURCES: dict[str, tuple[Callable[..., Iterator[Any]], Judge]] = {
    "rankings": (records.rankings, rules.ranking),
    "turns": (records.turns, rules.turn),
    "feedback": (records.feedback, rules.rated),
    "prompts": (records.prompts, rules.prompt),
    "raw": (archive.raw, rules.archived),
}


@dataclasses.dataclass
class Output:
    """The files of one configuration or rendering."""

    name: str
    module: ModuleType
    files: dict[str, Any]
    excluded: Counter[str] = dataclasses.field(default_factory=Counter)
    lengths: Counter[int] = dataclasses.field(default_factory=Counter)
    seen: int = 0

    def measure(self, row: dict[str, Any]) -> None:
        """Count the length of a row's texts: of every row at first, of every 16th later."""
        self.seen += 1
        if self.seen > 1_000 and self.seen % 16:
            return
        size = sum(len(text) for value in row.values() for text in texts(value))
        self.lengths[size // LENGTH_STEP] += 1

    def percentiles(self) -> dict[str, int]:
        total, passed, found = sum(self.lengths.values()), 0, {}
        bounds = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        for step, n in sorted(self.lengths.items()):
            passed += n
            for name, share in bounds.items():
                if name not in found and passed >= share * total:
                    found[name] = (step + 1) * LENGTH_STEP
        return found


class Pipeline:
    def __init__(self, *, folder: Path, ground: Ground, progress: Progress) -> None:
        self.ground, self._folder, self._progress = ground, folder, progress
        self.context: Context = ground.context()
        self.rows = 0
        self.excluded: Counter[str] = Counter()  # records by reason, each once
        self.excluded_by_config: dict[str, Counter[str]] = {}
        self.judges: set[int] = set()
        self.by_k: Counter[int] = Counter()
        self.mixed = {source: {"weight": w, "available": 0, "written": 0} for source, w in ground.options.mix}
        self.modules: dict[str, ModuleType] = {}
        self.outputs: dict[str, Output] = {}
        self._renderings: dict[str, list[Output]] = {}
        self._formats: dict[str, ModuleType] = {}
        self._selected = frozenset(ground.options.configs)
        self._tombstones: Shard | None = None
        self._reported = 0
        for name in ground.options.configs:
            self._add(name, plugins.load(FORMATS, name))
        for name in ground.options.renderings:
            module = plugins.load(RENDERINGS, name)
            self._renderings.setdefault(module.OF, []).append(self._add(name, module))
        for name in (*ground.options.configs, *self._renderings):
            self._formats[name] = plugins.load(FORMATS, name)

    def _add(self, name: str, module: ModuleType) -> Output:
        options = self.ground.options
        make = getattr(module, "open_file", None)
        encode = encoder(module.COLUMNS) if module.COLUMNS else line
        files = {
            split: make(self._folder, name, split)
            if make
            else SplitFile(self._folder, name, split, shards=options.shards, compress=options.compress, encode=encode)
            for split in SPLITS
        }
        self.modules[name] = module
        self.outputs[name] = Output(name, module, files)
        return self.outputs[name]

    # -- reading ----------------------------------------------------------------------------------

    def expected(self, view: Snapshot) -> int:
        """How many rows there will be at about."""
        sources = {
            name: self._formats[getattr(output.module, "OF", name)].SOURCE for name, output in self.outputs.items()
        }
        return expected.rows(
            view, self.ground.params, [(self.modules[name], source) for name, source in sources.items()]
        )

    def run(self, view: Snapshot) -> None:
        """Write every row."""
        configs_of: dict[str, list[str]] = {}
        for config in self._formats:
            configs_of.setdefault(self._formats[config].SOURCE, []).append(config)
        for source, configs in configs_of.items():
            read, judge = SOURCES[source]
            together = source == "rankings" and self.ground.options.consensus
            found = read(view, self.ground.params, **({"by_comparison": True} if together else {}))
            standing: Iterator[Any] = self._standing(found, judge, configs)
            if source == "rankings":
                standing = self._votes(standing, configs)
            for record in standing:
                self._write(record, configs)
        self._progress(self.rows)

    def _standing(self, found: Iterator[Any], judge: Judge, configs: list[str]) -> Iterator[Any]:
        """The records that stand at the cutoff, and for a delta did not stand at `since`."""
        scope, at, since = self.ground.scope, self.ground.at, self.ground.since
        for record in found:
            reason = judge(record, at, scope)
            before = since is not None and not judge(record, since, scope)
            if reason:
                self._exclude(configs, reason)
                if before or reason == rules.WITHDRAWN:
                    self._bury(record.id, configs, reason)
            elif not before:
                yield record

    def _votes(self, standing: Iterator[Any], configs: list[str]) -> Iterator[Any]:
        options = self.ground.options
        if options.consensus:
            standing = consensus(standing, options.consensus)
        unsafe = frozenset() if options.include_unsafe else frozenset(options.unsafe_flags)
        for record in standing:
            kept = votes.without(record, unsafe) if unsafe else record
            if len(kept.answers) < 2:
                self._exclude(configs, "flagged unsafe: fewer than two completions left")
                continue
            if not kept.not_rankable:
                self.by_k[len(kept.answers)] += 1
            if kept.trainer is not None:
                self.judges.add(kept.trainer)
            yield kept

    # -- writing ----------------------------------------------------------------------------------

    def _write(self, record: Any, configs: list[str]) -> None:
        split = self._split(record)
        if not split:
            self._exclude(configs, rules.NEAR_DUPLICATE)
            return
        copies = self._copies(record, configs)
        for config in configs:
            self.context.excluded = self._excluded_of(config)
            for row in self._formats[config].rows(record, self.context) if copies else ():
                for copy in range(copies):
                    self._put(config, split, {**row, "id": f"{row['id']}#{copy + 1}"} if copy else row, record.id)
        if self.rows - self._reported >= PROGRESS_EVERY:
            self._reported = self.rows
            self._progress(self.rows)

    def _put(self, config: str, split: str, row: dict[str, Any], unit: str) -> None:
        if (output := self.outputs.get(config)) and config in self._selected:
            output.files[split].write(row, unit)
            output.measure(row)
            self.rows += 1
        for rendering in self._renderings.get(config, ()):
            try:
                rendered = rendering.module.render(row)
            except LeftOut as reason:
                rendering.excluded[str(reason)] += 1
                continue
            for shaped in rendered if isinstance(rendered, list) else [rendered]:
                rendering.files[split].write(shaped, unit)
                rendering.measure(row)
                self.rows += 1

    def _split(self, record: Any) -> str:
        """train or test as stored; "" for a test row whose prompt has a twin in train."""
        split = record.split or self._hashed_split(record)
        if isinstance(record, archive.RawRecord):
            return str(split)  # an archive is not trained on
        if split == "test" and (leaks := self.ground.leaks()) and prompt_key(record.context_messages) in leaks:
            return ""
        return str(split)

    def _hashed_split(self, record: Any) -> str:
        """For what has no dialogue yet: prompts of the pool."""
        project, key = self.ground.project, prompt_key(record.context_messages)
        if project.split_by == "author" and record.author is not None:
            key = hashlib.sha256(f"author:{record.author}".encode()).hexdigest()
        return split_of(salt=project.split_salt, key=key, test_share=project.test_share)

    def _copies(self, record: Any, configs: list[str]) -> int:
        """How often a row is written: once, or by its source's mixing weight, the same rows each time."""
        if record.source not in self.mixed or record.origin_kind != "imported" or configs == ["raw"]:
            return 1
        tally = self.mixed[record.source]
        whole, part = divmod(tally["weight"], 1)
        drawn = int(hashlib.sha256(f"mix:{record.id}".encode()).hexdigest()[:8], 16) / 0x1_0000_0000
        copies = int(whole) + (drawn < part)
        tally["available"] += 1
        tally["written"] += copies
        if not copies:
            self._exclude(configs, "left out by its mixing weight")
        return copies

    # -- counting ---------------------------------------------------------------------------------

    def _exclude(self, configs: list[str], reason: str) -> None:
        self.excluded[reason] += 1
        for config in configs:
            self._excluded_of(config)[reason] += 1

    def _excluded_of(self, config: str) -> Counter[str]:
        return self.excluded_by_config.setdefault(config, Counter())

    def _bury(self, id_: str, configs: list[str], reason: str) -> None:
        """A tombstone: what an earlier export may hold and this one takes back."""
        if self._tombstones is None:
            self._tombstones = Shard(self._folder / TOMBSTONES, "")
        self._tombstones.write(line({"id": id_, "configs": configs, "reason": reason}))

    def finish(self) -> list[Stored]:
        """Close every file; those written, in the order of their paths."""
        stored: list[Stored] = []
        for output in self.outputs.values():
            for file in output.files.values():
                stored += file.finish()
                if file.only_dates:
                    self.excluded["every text of the file is a date, which loaders change"] += file.rows
            extra = getattr(output.module, "extra_files", None)
            if extra and any(f.config == output.name for f in stored):
                stored += extra(self._folder, output.name, [f for f in stored if f.config == output.name])
        if self._tombstones is not None:
            size, digest = self._tombstones.close()
            stored.append(Stored(TOMBSTONES, "", "", self._tombstones.rows, size, digest))
        return sorted(stored, key=lambda file: file.path)

    def lengths(self) -> dict[str, dict[str, int]]:
        return {name: output.percentiles() for name, output in self.outputs.items() if output.lengths}
