"""Killed at any point: no half of an export under its name, and the next run is whole.

A forked child writes the export and kills itself, as the kernel would, at its n-th step that touches a
disk: a file or folder opened, made, renamed or removed, and what is written synced.
"""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from exports import snapshot
from exports.options import Options
from exports.writing import folder
from labeling.models import Project
from tests import makers

if TYPE_CHECKING:
    from _typeshed import HasFileno

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
RUN = uuid.UUID("0b0d7c52-0f0e-4f5b-9d0a-6f2f3f7e1a11")


def in_a_child(work: Callable[[], None], *, at: int, under: Path) -> tuple[int, int]:
    """Run `work` in a forked process that kills itself at its `at`-th step below `under` (0: never).
    The signal that ended it, and how many steps it took."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def step(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if event in STEPS and str(under) in str(arguments[0]):
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        plain = os.fsync

        def fsync(fd: int | HasFileno) -> None:
            step("open", (under,))  # synced or not
            plain(fd)

        os.fsync = fsync
        for alias in connections:
            connections[alias].connection = None  # the parent's; a connection of its own is made
        sys.addaudithook(step)
        try:
            work()
            os.write(tell, str(count).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    steps = int(os.read(told, 20) or 0)
    os.close(told)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), steps


def content(root: Path) -> dict[str, bytes]:
    """Every file but the manifest, whose time differs."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.fixture
def made(transactional_db: None) -> Project:
    project = makers.make_project()
    alice = makers.make_member(project, "alice")
    for _ in range(3):
        makers.make_ranking(makers.make_comparison(project), alice)
    makers.make_demonstration(project, alice)
    return project


def test_a_kill_at_any_step_leaves_no_half_and_the_next_run_completes(made: Project, tmp_path: Path) -> None:
    cutoff, options = snapshot.now(), Options.from_dict({"renderings": ["verl", "llamafactory"]})

    def write(target: Path) -> None:
        folder.write(project=made, target=target, cutoff=cutoff, options=options, export_id=RUN)

    write(tmp_path / "whole")
    whole = content(tmp_path / "whole")
    ended, steps = in_a_child(lambda: write(tmp_path / "counted/out"), at=0, under=tmp_path)
    assert (ended, content(tmp_path / "counted/out")) == (0, whole)
    assert steps > 40
    for at in sorted({*range(1, steps, max(1, steps // 10)), *range(steps - 4, steps + 1)}):
        home = tmp_path / f"killed-{at}"
        ended, _ = in_a_child(lambda: write(home / "out"), at=at, under=tmp_path)  # noqa: B023
        assert ended == signal.SIGKILL
        visible = [path.name for path in home.glob("*") if not path.name.startswith(".")]
        if visible:  # killed after the rename: it is all there
            assert content(home / "out") == whole
            assert (home / "out/manifest.json").exists()
        else:
            write(home / "out")
            assert [path.name for path in home.iterdir()] == ["out"]
            assert content(home / "out") == whole
