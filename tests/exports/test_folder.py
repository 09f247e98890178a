"""The folder as a whole: what is in it, that it is all there or not there."""

import hashlib
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from labeling import corrections, projects
from labeling.models import Project, Ranking
from tests import makers
from tests.exports.makers import export, given, rows


@pytest.fixture
def ranked(project: Project, alice: User) -> Ranking:
    """One ranking with a tie in the middle."""
    return makers.make_ranking(makers.make_comparison(project), alice, groups=[[0], [1, 2], [3]])


def test_an_export_holds_card_manifest_sums_and_a_folder_per_configuration(
    project: Project, ranked: Ranking, alice: User, tmp_path: Path
) -> None:
    makers.make_demonstration(project, alice)
    manifest = export(project, tmp_path / "out")
    listed = {file["path"] for file in manifest["files"]}
    assert {path.split("/")[0] for path in listed} >= {"preferences", "rankings", "sft", "prompts"}
    on_disk = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert on_disk == listed | {"README.md", "SHA256SUMS", "manifest.json"}
    for file in manifest["files"]:
        data = (tmp_path / "out" / file["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
        assert len(data) == file["bytes"]
        assert data.count(b"\n") == file["rows"]
    sums = (tmp_path / "out/SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in sums} == listed | {"README.md"}


def test_pairs_are_the_strict_pairs_and_weigh_one_ranking_together(
    project: Project, ranked: Ranking, tmp_path: Path
) -> None:
    manifest = export(project, tmp_path / "out", "--config", "preferences,rankings")
    pairs = rows(tmp_path / "out", "preferences")
    (judgement,) = rows(tmp_path / "out", "rankings")
    place = {c["completion_id"]: given(c["rank"]) for c in judgement["completions"]}
    assert [c["completion_id"] for c in judgement["completions"]] == ranked.order_shown
    assert sorted(place.values()) == [0, 1, 1, 2]
    assert len(pairs) == 5
    assert sum(pair["weight"] for pair in pairs) == pytest.approx(1)
    assert all(place[p["chosen_completion_id"]] < place[p["rejected_completion_id"]] for p in pairs)
    assert [pair["id"] for pair in pairs] == sorted(pair["id"] for pair in pairs)
    assert manifest["counts"]["ties"] == 1
    assert manifest["counts"]["by K"] == {"4": 1}


def test_the_same_cutoff_gives_the_same_bytes_whatever_came_since(
    project: Project, ranked: Ranking, alice: User, bob: User, tmp_path: Path
) -> None:
    first = export(project, tmp_path / "one")
    corrections.undo_ranking(assignment=given(ranked.assignment))
    makers.make_ranking(makers.make_comparison(project), bob)
    makers.make_demonstration(project, bob)
    again = export(project, tmp_path / "two", "--cutoff", first["cutoff"])
    assert [(f["path"], f["sha256"]) for f in first["files"]] == [(f["path"], f["sha256"]) for f in again["files"]]
    assert (tmp_path / "one/README.md").read_bytes() == (tmp_path / "two/README.md").read_bytes()
    assert (tmp_path / "one/SHA256SUMS").read_bytes() == (tmp_path / "two/SHA256SUMS").read_bytes()
    drop = {"export_id", "created_at"}
    assert {k: v for k, v in first.items() if k not in drop} == {k: v for k, v in again.items() if k not in drop}
    now = export(project, tmp_path / "three")
    assert now["excluded"]["undone"] == 1
    assert now["counts"]["rankings"] == 1


def test_a_folder_that_is_there_is_not_touched(project: Project, ranked: Ranking, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        export(project, tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_what_a_killed_run_left_goes_with_the_next(project: Project, ranked: Ranking, tmp_path: Path) -> None:
    left = tmp_path / ".out.partial-0123abcd"
    (left / "rankings").mkdir(parents=True)
    (left / "rankings/train.jsonl").write_text("half a row")
    export(project, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_run_that_fails_leaves_nothing_and_says_why(
    project: Project, ranked: Ranking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.formats.preferences.FORMAT.rows", lambda record, context: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(project, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    run = project.exports.get()
    assert run.state == "failed"
    assert "ZeroDivisionError" in run.error


def test_wrong_wishes_are_answered_with_a_sentence(project: Project, tmp_path: Path) -> None:
    projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
    makers.bring(project, "hh", "alpaca")
    makers.bring(makers.make_project(slug="other"), "typo")
    for options, words in (
        (["--config", "prefs"], "no configuration 'prefs'"),
        (["--render", "word"], "no format 'word'"),
        (["--cutoff", "tomorrow"], "not an ISO 8601 instant"),
        (["--cutoff", "2999-01-01T00:00:00Z"], "lies ahead"),
        (["--mix", "alpaca"], "SOURCE=WEIGHT"),
        (["--shards", "0"], "shards"),
        (["--consensus", "--since", "2026-01-01"], "cannot be combined"),
        (["--round", "77"], r"no round 77\. There are: 1, 2\."),
        (["--guideline-version", "77"], r"no guideline version 77\. There are: 1\."),
        (["--mix", "alpaca=1", "--mix", "typo=1"], r"no import called 'typo'\. There are: alpaca, hh\."),
        (["--task-types", "chat,typo"], "no task type 'typo'; there are chat, demonstration, ranking"),
    ):
        with pytest.raises(CommandError, match=words):
            export(project, tmp_path / "out", *options)
    with pytest.raises(CommandError, match=r"no project 'nowhere'\. There are: demo, other\."):
        call_command("export", "nowhere", "--out", str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_project_exports_an_empty_folder(project: Project, tmp_path: Path) -> None:
    manifest = export(project, tmp_path / "out")
    assert manifest["files"] == []
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"README.md", "SHA256SUMS", "manifest.json"}


def test_shards_keep_a_rankings_pairs_together(project: Project, alice: User, tmp_path: Path) -> None:
    for _ in range(5):
        makers.make_ranking(makers.make_comparison(project), alice)
    manifest = export(project, tmp_path / "out", "--config", "preferences", "--shards", "2")
    names = [f["path"] for f in manifest["files"]]
    assert all("-of-00002.jsonl" in name for name in names)
    homes: dict[str, set[str]] = {}
    for name in names:
        for text in (tmp_path / "out" / name).read_text().splitlines():
            homes.setdefault(json.loads(text)["ranking_id"], set()).add(name)
    assert len(homes) == Ranking.objects.count()
    assert all(len(home) == 1 for home in homes.values())
