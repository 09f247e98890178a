"""From records to rows: each record's standing, then its rows for every configuration and rendering at
once, split and mixed. Nothing is held but counters; where records come from and rows go to is
`exports/writing.py`'s."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from common import plugins
from exports import archive, rules, votes
from exports.consensus import consensus
from exports.formats._shared import Context
from exports.jsonl import line
from exports.options import FORMATS, RENDERINGS
from exports.renderings._shared import LeftOut
from exports.scopes import Ground
from exports.tally import Lengths, Tally
from labeling.text import prompt_key, split_of

SPLITS = ("train", "test")
Judge = Callable[[Any, str, Any], str]
JUDGES: dict[str, Judge] = {
    "rankings": rules.ranking,
    "turns": rules.turn,
    "feedback": rules.rated,
    "prompts": rules.prompt,
    "raw": rules.archived,
}


@dataclasses.dataclass
class Output:
    """The files of one configuration or rendering, by split."""

    module: ModuleType
    files: dict[str, Any]
    lengths: Lengths


Open = Callable[[str, str, ModuleType], Any]  # a file for the rows of (output, split)


class Pipeline:
    """`make_file` says where the rows go; `bury` is told what an earlier export may hold and this one takes back."""

    def __init__(self, *, ground: Ground, make_file: Open, bury: Callable[[str], None]) -> None:
        self.ground, self.tally, self._bury_line = ground, Tally(), bury
        self.context: Context = ground.context()
        self.context.counts = self.tally.counts
        if self.context.redact is not None:
            self.context.redact.counts = self.tally.redacted
        self._weights = dict(ground.options.mix)
        self.modules: dict[str, ModuleType] = {}
        self.outputs: dict[str, Output] = {}
        self._renderings: dict[str, list[str]] = {}
        self.formats: dict[str, ModuleType] = {}
        self._selected = frozenset(ground.options.configs)
        self._make_file = make_file
        for name in ground.options.configs:
            self._add(name, plugins.load(FORMATS, name))
        for name in ground.options.renderings:
            module = plugins.load(RENDERINGS, name)
            self._renderings.setdefault(module.OF, []).append(name)
            self._add(name, module)
        for name in (*ground.options.configs, *self._renderings):
            self.formats[name] = plugins.load(FORMATS, name)

    def _add(self, name: str, module: ModuleType) -> None:
        files = {split: self._make_file(name, split, module) for split in SPLITS}
        self.modules[name] = module
        self.outputs[name] = Output(module, files, self.tally.lengths_of(name))

    @property
    def configs_of(self) -> dict[str, list[str]]:
        """Configurations to make, by the source of their records."""
        found: dict[str, list[str]] = {}
        for name, module in self.formats.items():
            found.setdefault(module.SOURCE, []).append(name)
        return found

    def outputs_of(self, source: str) -> list[str]:
        """Everything that is written from records of this source."""
        return [
            name for name, out in self.outputs.items() if source == self.formats[getattr(out.module, "OF", name)].SOURCE
        ]

    def feed(self, source: str, records: Iterable[Any], *, told: Callable[[], None] = lambda: None) -> None:
        """Write the rows of these records; `told` is called after each."""
        configs = self.configs_of[source]
        standing: Iterator[Any] = self._standing(records, JUDGES[source], configs)
        if source == "rankings":
            standing = self._votes(standing, configs)
        for record in standing:
            self._write(record, configs)
            told()

    def _standing(self, found: Iterable[Any], judge: Judge, configs: list[str]) -> Iterator[Any]:
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
                self.tally.by_k[len(kept.answers)] += 1
            if kept.trainer is not None:
                self.tally.judges.add(kept.trainer)
            yield kept

    # -- writing ----------------------------------------------------------------------------------

    def _write(self, record: Any, configs: list[str]) -> None:
        split = self._split(record)
        if not split:
            self._exclude(configs, rules.NEAR_DUPLICATE)
            return
        copies = self._copies(record, configs)
        for config in configs:
            self.context.excluded = self.tally.excluded_of(config)
            for row in self.formats[config].rows(record, self.context) if copies else ():
                for copy in range(copies):
                    self._put(config, split, {**row, "id": f"{row['id']}#{copy + 1}"} if copy else row, record.id)

    def _put(self, config: str, split: str, row: dict[str, Any], unit: str) -> None:
        if (output := self.outputs.get(config)) and config in self._selected:
            output.files[split].write(row, unit)
            output.lengths.measure(row)
            self.tally.rows += 1
        for name in self._renderings.get(config, ()):
            rendering = self.outputs[name]
            try:
                rendered = rendering.module.render(row)
            except LeftOut as reason:
                self.tally.excluded_of(name)[str(reason)] += 1
                continue
            for shaped in rendered if isinstance(rendered, list) else [rendered]:
                rendering.files[split].write(shaped, unit)
                rendering.lengths.measure(row)
                self.tally.rows += 1

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
        if record.source not in self._weights or record.origin_kind != "imported" or configs == ["raw"]:
            return 1
        whole, part = divmod(self._weights[record.source], 1)
        drawn = int(hashlib.sha256(f"mix:{record.id}".encode()).hexdigest()[:8], 16) / 0x1_0000_0000
        copies = int(whole) + (drawn < part)
        self.tally.available[record.source] += 1
        self.tally.mixed[record.source] += copies
        if not copies:
            self._exclude(configs, "left out by its mixing weight")
        return copies

    # -- counting ---------------------------------------------------------------------------------

    def _exclude(self, configs: list[str], reason: str) -> None:
        self.tally.excluded[reason] += 1
        for config in configs:
            self.tally.excluded_of(config)[reason] += 1

    def _bury(self, id_: str, configs: list[str], reason: str) -> None:
        """A tombstone."""
        self._bury_line(line({"id": id_, "configs": configs, "reason": reason}))
