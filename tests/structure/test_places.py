"""tests/places.tsv: twenty features and the file where each lives, for who looks for one. They all exist."""

from __future__ import annotations

import csv

from tests.structure.measure import BASE

with (BASE / "tests" / "places.tsv").open(encoding="utf-8", newline="") as file:
    PLACES = list(csv.DictReader(file, dialect="excel-tab"))


def test_every_place_exists() -> None:
    assert [row["file"] for row in PLACES if not (BASE / row["file"]).is_file()] == []


def test_there_are_twenty_features_each_named_once() -> None:
    assert len({row["feature"] for row in PLACES}) == len(PLACES) == 20
    assert len({row["file"] for row in PLACES}) == 20
