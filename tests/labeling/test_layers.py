"""What views and pages leave to the domain functions."""

from __future__ import annotations

from pathlib import Path

import pytest

import labeling

ROOMS = [path for room in ("views", "pages") for path in sorted((Path(labeling.__file__).parent / room).glob("*.py"))]


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_views_and_pages_lock_nothing_write_nothing_and_open_no_transaction(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for word in ("transaction.", "select_for_update", ".save(", ".create(", ".update("):
        assert word not in source, word
