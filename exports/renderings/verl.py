"""`verl`: prompts as parquet in verl's reinforcement-learning shape (it refuses .jsonl)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from exports.jsonl import Stored

OF = "prompts"
ABOUT = "The prompts as parquet with data_source, prompt, ability, reward_model and extra_info."
COLUMNS = None
ROWS_HELD = 5_000


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "data_source": row["source"],
        "prompt": row["prompt"],
        "ability": "chat",
        "reward_model": {"style": "model", "ground_truth": ""},
        "extra_info": {"id": row["id"], "dialogue_id": row["dialogue_id"], "language": row["language"]},
    }


def open_file(folder: Path, config: str, split: str) -> ParquetFile:
    return ParquetFile(folder, config, split)


class ParquetFile:
    """The file of one split, written in row groups."""

    only_dates = False

    def __init__(self, folder: Path, config: str, split: str) -> None:
        self.rows = 0
        self._config, self._split = config, split
        self._path = folder / config / f"{split}.parquet"
        self._held: list[dict[str, Any]] = []
        self._writer: Any = None

    def write(self, row: dict[str, Any], unit: Any = None) -> None:
        self._held.append(row)
        self.rows += 1
        if len(self._held) >= ROWS_HELD:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
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
            self._path.parent.mkdir(exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._held, schema=self._writer.schema))
        self._held = []

    def finish(self) -> list[Stored]:
        if not self.rows:
            return []
        self._flush()
        self._writer.close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path = f"{self._config}/{self._path.name}"
        return [Stored(path, self._config, self._split, self.rows, self._path.stat().st_size, digest)]
