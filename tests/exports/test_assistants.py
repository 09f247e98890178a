"""Many rankings are shared out to processes: the same bytes and counts as without, and no process left."""

import json
import os
from pathlib import Path

import pytest

from accounts.models import User
from exports import assistants, spool, writing
from labeling import corrections
from labeling.models import Project
from labeling.withdrawal import withdraw
from tests import makers
from tests.exports.light import numbers
from tests.exports.makers import export

CHOICES = {
    "plain": ("--config", "rankings,preferences", "--render", "soft,hh,llamafactory"),
    "shards": ("--config", "rankings,preferences", "--shards", "3", "--compress", "gzip"),
    "masked": ("--config", "rankings,preferences", "--redact", "--no-unsafe"),
    "consensus": ("--config", "rankings,preferences", "--consensus"),
    "mixed": ("--config", "rankings,prompts,sft", "--min-label-weight", "0.5"),
}


@pytest.fixture
def busy(project: Project, alice: User, bob: User):
    """Twelve comparisons with one vote or two, one taken back, one of somebody who withdrew."""
    for number in range(12):
        comparison = makers.make_comparison(project, votes=2, prompt=f"Mail {number} to me@example.org?")
        rankings = [makers.make_ranking(comparison, trainer) for trainer in (alice, bob)[: 1 + number % 2]]
    corrections.undo_ranking(assignment=rankings[0].assignment)
    carol = makers.make_member(project, "carol")
    makers.make_ranking(makers.make_comparison(project), carol)
    withdraw(project=project, user=carol)
    return project


@pytest.mark.parametrize("choice", sorted(CHOICES))
def test_assistants_make_the_same_bytes_and_counts(
    busy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice
) -> None:
    alone = export(busy, tmp_path / "alone", *CHOICES[choice])
    monkeypatch.setattr(writing, "MANY", 1)
    monkeypatch.setattr(writing, "ASSISTANTS", 3)
    monkeypatch.setattr(spool, "TOGETHER", 1)  # so that there are many buckets
    monkeypatch.setattr(spool, "HELD", 2_000)  # … each in several pieces
    together = export(busy, tmp_path / "together", *CHOICES[choice], "--cutoff", alone["cutoff"])
    changes = {"export_id", "created_at"}
    assert {k: v for k, v in together.items() if k not in changes} == {
        k: v for k, v in alone.items() if k not in changes
    }
    assert (tmp_path / "alone/SHA256SUMS").read_text() == (tmp_path / "together/SHA256SUMS").read_text()
    assert json.loads((tmp_path / "together/manifest.json").read_text())["counts"]["rankings"] > 5


def test_an_error_of_an_assistant_is_raised_where_its_answers_are_read() -> None:
    with assistants.started(numbers, 2) as answers:
        assert next(answers) != os.getpid()
        assert [next(answers), next(answers)] == [0, 1]
        with pytest.raises(ValueError, match="no number 2"):
            next(answers)


def test_an_assistant_that_is_killed_is_noticed_and_none_is_left() -> None:
    with assistants.started(numbers, 10**9) as answers:
        pid = next(answers)
        os.kill(pid, 9)
        with pytest.raises(RuntimeError, match="was killed"):
            list(answers)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with assistants.started(numbers, 10**9) as answers:
        pid = next(answers)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
