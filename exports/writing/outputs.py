"""The configurations and renderings of one export with their files: a row goes to all that are made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from exports.formats.base import FORMATS, Format, Output
from exports.options import Options
from exports.renderings.base import RENDERINGS, LeftOut, Rendering
from exports.snapshot import Snapshot
from exports.sources.base import Record, Source
from exports.writing.counts import Counts, Lengths
from exports.writing.files import Row, RowFile, Stored

SPLITS = ("train", "test")


@dataclass
class _Files:
    """Those of one configuration or rendering, by split."""

    output: Output
    files: dict[str, RowFile]
    lengths: Lengths


class Outputs:
    def __init__(self, *, folder: Path, options: Options, counts: Counts) -> None:
        self._folder, self._counts = folder, counts
        self._renderings: defaultdict[str, dict[str, Rendering[Row]]] = defaultdict(dict)
        for name in options.renderings:
            rendering = RENDERINGS.load(name)
            self._renderings[rendering.of][name] = rendering
        made = dict.fromkeys([*options.configs, *self._renderings])  # a rendering may be of one not asked for
        self._formats = {name: FORMATS.load(name) for name in made}
        self.named: dict[str, Output] = {name: self._formats[name] for name in options.configs}
        self.named |= {name: RENDERINGS.load(name) for name in options.renderings}
        self._files = {name: self._open(name, output, options) for name, output in self.named.items()}

    def _open(self, name: str, output: Output, options: Options) -> _Files:
        files = {split: output.open(self._folder, name, split, options) for split in SPLITS}
        return _Files(output, files, self._counts.lengths.setdefault(name, Lengths()))

    @property
    def sources(self) -> list[Source[Record]]:
        """Those that are read, each once."""
        return list({format.source.name: format.source for format in self._formats.values()}.values())

    def formats_of(self, source: Source[Record]) -> dict[str, Format[Record, Row]]:
        return {name: format for name, format in self._formats.items() if format.source is source}

    def expected(self, view: Snapshot, parameters: Mapping[str, object]) -> int:
        """About how many rows there will be. Nothing is judged here, so rows that rules leave out are counted."""
        total = 0
        for source in self.sources:
            terms = [f"coalesce(sum({output.rows_a_record}), 0)" for output in self._made_of(source)]
            (text,) = view.read(f"SELECT ({' + '.join(terms)})::text FROM {source.counted}", parameters)
            total += int(text)
        return total

    def _made_of(self, source: Source[Record]) -> Iterator[Output]:
        for name, format in self.formats_of(source).items():
            if name in self.named:
                yield format
            yield from self._renderings[name].values()

    def write(self, config: str, split: str, row: Row, unit: str) -> None:
        """A row of a configuration into its file, where it is asked for, and into those of its renderings."""
        if config in self._files:
            self._put(self._files[config], split, row, row, unit)
        for name, rendering in self._renderings[config].items():
            try:
                rendered = rendering.render(row)
            except LeftOut as reason:
                self._counts.excluded_of(name)[str(reason)] += 1
                continue
            for shaped in rendered:
                self._put(self._files[name], split, shaped, row, unit)

    def _put(self, to: _Files, split: str, row: Row, measured: Row, unit: str) -> None:
        to.files[split].write(row, unit)
        to.lengths.measure(measured)
        self._counts.rows += 1

    def finish(self) -> list[Stored]:
        """Close every file; those written."""
        stored: list[Stored] = []
        for name, to in self._files.items():
            files: list[Stored] = []
            for file in to.files.values():
                files += file.finish()
                if file.only_dates:
                    self._counts.excluded["every text of the file is a date, which loaders change"] += file.rows
            stored += files
            if files:
                stored += to.output.beside(self._folder, name, files)
        return stored
