"""From records to rows: each record's standing, what a delta takes back, then its rows for every configuration at
once, split and mixed. Nothing is held but counters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path

from exports.formats.base import Context, Format
from exports.selection import privacy, rules
from exports.selection.project import Facts
from exports.selection.rules import Instant
from exports.snapshot import Snapshot
from exports.sources.base import IMPORTED, Record, Source
from exports.writing.counts import Counts
from exports.writing.files import Row, Stored
from exports.writing.jsonl import Shard, line
from exports.writing.outputs import Outputs
from labeling.text import prompt_key, split_of

Progress = Callable[[int], None]
PROGRESS_EVERY = 2_000
TOMBSTONES = "tombstones.jsonl"
CHANGED = "changed since"


class Rows:
    """Writes every row of an export into `folder`."""

    def __init__(self, *, folder: Path, facts: Facts, progress: Progress) -> None:
        self.counts = Counts()
        self.outputs = Outputs(folder=folder, options=facts.options, counts=self.counts)
        self._folder, self._facts, self._progress, self._reported = folder, facts, progress, 0
        self._context = _context(facts, self.counts)
        self._weights = dict(facts.options.mix)
        self._tombstones: Shard | None = None

    def write(self, view: Snapshot) -> None:
        for source in self.outputs.sources:
            self._write_source(view, source, self.outputs.formats_of(source))
        self._progress(self.counts.rows)

    def _write_source(self, view: Snapshot, source: Source[Record], formats: dict[str, Format[Record, Row]]) -> None:
        options = self._facts.options
        records = map(source.parse, view.read(source.query(options), self._facts.parameters))
        for record, reason in source.combine(self._standing(records, source, formats), options):
            if reason:
                self.counts.exclude(list(formats), reason)
                continue
            if (k := source.completions(record)) > 0:
                self.counts.by_k[k] += 1
            if (judge := source.judge(record)) is not None:
                self.counts.judges.add(judge)
            self._write_record(record, formats, self._copies(record, source, list(formats)))
            if self.counts.rows - self._reported >= PROGRESS_EVERY:
                self._reported = self.counts.rows
                self._progress(self.counts.rows)

    def _standing(
        self, records: Iterator[Record], source: Source[Record], formats: dict[str, Format[Record, Row]]
    ) -> Iterator[Record]:
        """The records that stand, and for a delta those of them that an earlier export did not hold as they are.
        What it may hold and is no more, or is no more the same, gets a tombstone."""
        until, since = self._facts.until, self._facts.since
        for record in records:
            reason = self._reason(record, source, until)
            held = False
            if since is not None:
                before = self._reason(record, source, since)
                unsure = self._unsure(record, source)
                held = not before or before in rules.UNDATED or unsure
                if not reason and not before and not unsure and not source.changed(record, since.at, until.at):
                    continue
            if held or reason in rules.GONE:
                self._take_back(record, formats, reason or CHANGED)
            if reason:
                self.counts.exclude(list(formats), reason)
            else:
                yield record

    def _unsure(self, record: Record, source: Source[Record]) -> bool:
        """Whether nobody can say if the earlier export held it, since a text or vote that was withdrawn meanwhile may
        have kept it out: an equal prompt that stood for it, a near-duplicate in train, a vote that disagreed; or since
        the content filter had another word on one of its texts."""
        selection = self._facts.selection
        if record.screened_as in selection.judged_anew:
            return True
        if not source.trained_on or not (selection.withdrawn_keys or selection.withdrawn_lately):
            return False
        return (
            self._split(record) == "test"
            or selection.options.min_agreement is not None
            or prompt_key(record.messages_before) in selection.withdrawn_keys
        )

    def _reason(self, record: Record, source: Source[Record], at: Instant) -> str:
        selection = self._facts.selection
        reason = source.standing(record, at, selection) or rules.screened(record.screened_as, at, selection)
        if reason:
            return reason
        near = at.near_duplicates
        if near and source.trained_on and self._split(record) == "test" and prompt_key(record.messages_before) in near:
            return rules.NEAR_DUPLICATE
        return ""

    def _take_back(self, record: Record, formats: dict[str, Format[Record, Row]], reason: str) -> None:
        """A tombstone by the record's id, and one by the id of each of its rows where that is another."""
        if self._tombstones is None:
            self._tombstones = Shard(self._folder / TOMBSTONES, "")
        named: dict[str, list[str]] = {record.id: list(formats)}
        copies = 1
        if record.source in self._weights and record.origin == IMPORTED:
            copies = ceil(self._weights[record.source])
        for config, format in formats.items():
            for id_ in format.ids(record):
                for own in (id_, *(f"{id_}#{copy}" for copy in range(2, copies + 1))):
                    if own != record.id:
                        named.setdefault(own, []).append(config)
        for id_, configs in named.items():
            self._tombstones.write(line({"id": id_, "configs": configs, "reason": reason}))

    def _split(self, record: Record) -> str:
        """train or test as stored; by its hash for what has no dialogue yet: prompts of the pool."""
        if record.split:
            return record.split
        project, key = self._facts.project, prompt_key(record.messages_before)
        if project.split_by == "author" and record.author is not None:
            key = hashlib.sha256(f"author:{record.author}".encode()).hexdigest()
        return split_of(salt=project.split_salt, key=key, test_share=project.test_share)

    def _copies(self, record: Record, source: Source[Record], configs: list[str]) -> int:
        """How often a row is written: once, or by its source's mixing weight, the same rows each time. All rows of
        one dialogue or comparison have one draw, and count as one record."""
        if not source.trained_on or record.source not in self._weights or record.origin != IMPORTED:
            return 1
        whole, part = divmod(self._weights[record.source], 1)
        drawn = int.from_bytes(hashlib.sha256(f"mix:{record.mixed_as}".encode()).digest()[:8])
        copies = int(whole) + (drawn < part * 2**64)
        if drawn not in self.counts.available[record.source]:
            self.counts.available[record.source].add(drawn)
            self.counts.mixed[record.source] += copies
        if not copies:
            self.counts.exclude(configs, "left out by its mixing weight")
        return copies

    def _write_record(self, record: Record, formats: dict[str, Format[Record, Row]], copies: int) -> None:
        if not copies:
            return
        split = self._split(record)
        for config, format in formats.items():
            self._context.excluded = self.counts.excluded_of(config)
            for row in format.rows(record, self._context):
                self.outputs.write(config, split, row, record.id)
                for copy in range(2, copies + 1):
                    self.outputs.write(config, split, {**row, "id": f"{row['id']}#{copy}"}, record.id)

    def finish(self) -> list[Stored]:
        """Close every file; those written, in the order of their paths."""
        stored = self.outputs.finish()
        if self._tombstones is not None:
            size, digest = self._tombstones.close()
            stored.append(Stored(TOMBSTONES, "", "", self._tombstones.rows, size, digest))
        return sorted(stored, key=lambda file: file.path)


def _context(facts: Facts, counts: Counts) -> Context:
    project, redact = facts.project, None
    if facts.options.redact:
        redact = privacy.Redactor(privacy.region_of(project.language), counts.redacted)
    return Context(
        cutoff=facts.cutoff,
        language=project.language,
        name=privacy.namer(project.pseudonym_key),
        models=facts.models,
        hashes=facts.hashes,
        guidelines=facts.selection.guidelines,
        rounds=facts.selection.rounds,
        counts=counts.counts,
        redact=redact,
        include_truncated=facts.options.include_truncated,
        include_reasoning=facts.options.include_reasoning,
    )
