"""The default worker's chores: one that breaks keeps none of the others waiting."""

from __future__ import annotations

from uuid import UUID

import pytest

from labeling import candidates, tasks
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def test_a_chore_that_breaks_is_logged_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(tasks, "CHORES", (broken, lambda: done.append("the next")))
    tasks.tend()
    assert done == ["the next"]
    assert "broken broke off" in caplog.text


def test_a_comparison_that_cannot_be_settled_holds_up_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        makers.make_comparison(project, state="sampling")
    settle, calls = candidates._settle, []

    def sometimes(pk: UUID) -> str:
        calls.append(pk)
        if len(calls) == 1:
            raise ValueError("its model was retired this very moment")
        return settle(pk)

    monkeypatch.setattr(candidates, "_settle", sometimes)
    assert candidates.settle_sampling()["broken"] == 1
    assert len(calls) == 3
