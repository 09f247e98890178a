"""Export folders, as training reads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.training.exports import commas
from training import folders


def test_every_answer_of_a_ranking_is_read_once(export: Path) -> None:
    found = folders.judgements(export, "train")
    assert all(len(one.answers) <= 4 for one in found)
    assert max(len(one.pairs) for one in found) > 4
    assert all(sum(one.weights) == pytest.approx(1) for one in found)


def test_packed_and_sharded_files_are_read(export: Path, tmp_path: Path) -> None:
    plain = folders.judgements(export, "train")
    path = export / "preferences" / "train.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.unlink()
    half = len(lines) // 2
    for number, part in enumerate((lines[:half], lines[half:])):
        (path.parent / f"train-0000{number}-of-00002.jsonl.gz").write_bytes(gzip.compress("".join(part).encode()))
    assert folders.judgements(export, "train") == plain


def test_rankings_are_read_where_there_are_no_preferences(tmp_path: Path) -> None:
    (tmp_path / "rankings").mkdir()
    places = [("best", 0), ("tied a", 1), ("tied b", 1), ("best", 2)]
    row = {
        "id": "r1", "context": [{"role": "user", "content": "q"}], "status": "ranked",
        "completions": [{"rank": r, "completion": [{"role": "assistant", "content": t}]} for t, r in places],
    }  # fmt: skip
    unrankable = row | {"id": "r2", "status": "not_rankable"}
    (tmp_path / "rankings" / "train.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(unrankable) + "\n")
    (one,) = folders.judgements(tmp_path, "train")
    assert one.pairs == [(0, 1), (0, 2), (1, 3), (2, 3)]  # neither the tie nor the two equal texts
    assert one.weights == [0.25] * 4


def test_best_answers_are_those_that_nothing_beats(export: Path) -> None:
    best = folders.answers(export, "train")
    assert len(best) >= len(folders.judgements(export, "train"))
    worst = max(commas(one.text) for one in best)
    assert worst < 4
