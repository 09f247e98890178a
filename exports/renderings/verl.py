"""`verl`: prompts as parquet in verl's reinforcement-learning shape (it refuses .jsonl).

`datasets` reads all configurations of a card with one builder, so the same rows lie beside as JSON Lines, and the
card names those.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import columns_of
from exports.formats.prompts import PromptRow
from exports.options import Options
from exports.renderings.base import Rendering
from exports.writing.files import Row, RowFile, Stored

if TYPE_CHECKING:  # large, and the admin site loads every rendering for its sentence
    from pyarrow.parquet import ParquetWriter

ROWS_HELD = 5_000


RewardModel = TypedDict("RewardModel", {"style": str, "ground_truth": str})  # noqa: UP013  # the name is theirs


class Extra(TypedDict):
    id: str
    dialogue_id: str | None
    language: str


class Task(TypedDict):
    data_source: str
    prompt: list[Message]
    ability: str
    reward_model: RewardModel
    extra_info: Extra


class VerlRendering(Rendering[PromptRow]):
    of = "prompts"
    about = gettext_noop("The prompts as parquet with data_source, prompt, ability, reward_model and extra_info.")
    columns = columns_of(Task)

    def render(self, row: PromptRow) -> list[Task]:
        return [
            {
                "data_source": row["source"],
                "prompt": row["prompt"],
                "ability": "chat",
                "reward_model": {"style": "model", "ground_truth": ""},
                "extra_info": {"id": row["id"], "dialogue_id": row["dialogue_id"], "language": row["language"]},
            }
        ]

    def open(self, folder: Path, name: str, split: str, options: Options) -> RowFile:
        return ParquetFile(folder, name, split, beside=super().open(folder, name, split, options))


class ParquetFile:
    """The file of one split, written in row groups, and the same rows in `beside`."""

    only_dates = False  # its columns say that they are texts

    def __init__(self, folder: Path, config: str, split: str, *, beside: RowFile) -> None:
        self.rows = 0
        self._beside = beside
        self._config, self._split = config, split
        self._path = folder / config / f"{split}.parquet"
        self._held: list[Row] = []
        self._writer: ParquetWriter | None = None

    def write(self, row: Row, unit: str) -> None:
        self._beside.write(row, unit)
        self._held.append(row)
        self.rows += 1
        if len(self._held) >= ROWS_HELD:
            self._flush()

    def _flush(self) -> ParquetWriter:
        import pyarrow as pa

        if self._writer is None:
            self._path.parent.mkdir(exist_ok=True)
            self._writer = _writer(self._path)
        self._writer.write_table(pa.Table.from_pylist(self._held, schema=self._writer.schema))
        self._held = []
        return self._writer

    def finish(self) -> list[Stored]:
        if not self.rows:
            return []
        self._flush().close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path = f"{self._config}/{self._path.name}"
        written = Stored(path, self._config, self._split, self.rows, self._path.stat().st_size, digest)
        return [written, *self._beside.finish()]


def _writer(path: Path) -> ParquetWriter:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema(
        [
            ("data_source", text),
            ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            ("extra_info", pa.struct([("id", text), ("dialogue_id", text), ("language", text)])),
        ]
    )
    return pq.ParquetWriter(path, schema, compression="zstd")


RENDERING = VerlRendering()
