"""Rankings turned into bytes by a process of its own (`exports/assistants.py`): a part of the buckets each. The
process that asked writes them (`exports/writing.py`). Imports no Django, which an assistant has no use for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exports import records
from exports.files import Block, Encoded
from exports.jsonl import encoder
from exports.pipeline import Pipeline
from exports.scopes import Ground
from exports.spool import Spooled
from exports.tally import Tally


@dataclass(frozen=True)
class Part:
    """What an assistant made of some rankings."""

    files: list[tuple[str, str, Block]]  # output, split and rows
    tombstones: list[str]
    rows: int


@dataclass(frozen=True)
class Last:
    """What an assistant counted in all."""

    tally: Tally
    dates: list[tuple[str, str, tuple[str, ...] | None]]


def encoded(ground: Ground, spooled: Spooled, place: int, of: int) -> Iterator[Part | Last]:
    """An assistant's work: every `of`-th bucket, from the `place`-th on, as bytes."""
    tombstones: list[str] = []
    shards = ground.options.shards
    pipeline = Pipeline(
        ground=ground,
        make_file=lambda name, split, module: Encoded(shards=shards, encode=encoder(module.COLUMNS)),
        bury=tombstones.append,
    )
    files = [
        (name, split, file)
        for name in pipeline.outputs_of("rankings")
        for split, file in pipeline.outputs[name].files.items()
    ]
    before = 0
    for bucket in spooled.groups(place, of):
        pipeline.feed("rankings", records.rankings(bucket))
        blocks = [(name, split, block) for name, split, file in files if (block := file.taken())]
        yield Part(blocks, list(tombstones), pipeline.tally.rows - before)
        before = pipeline.tally.rows
        tombstones.clear()
    yield Last(pipeline.tally, [(name, split, file.dates.columns) for name, split, file in files])
