"""Checkpoints appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation import checkpoints


def test_a_checkpoint_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with checkpoints.writing(tmp_path / "rm") as folder:
            (folder / "half.safetensors").write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_made_by_another_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def write_beside_another() -> None:
        with checkpoints.writing(tmp_path / "rm") as folder:
            (folder / "mine").touch()
            (tmp_path / "rm").mkdir()
            (tmp_path / "rm" / "theirs").touch()

    with pytest.raises(checkpoints.OutExists, match="another process"):
        write_beside_another()
    assert [path.name for path in tmp_path.rglob("*")] == ["rm", "theirs"]
