"""Storing of imports: what is made of records, once only, and taken back. Reading: test_import_files.py."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from labeling import imports
from labeling.imports import running
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking
from tests.labeling.importing import PAIR, run


def test_the_same_file_twice_makes_nothing_twice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(5)]
    assert run(project, "instructgpt", rows).imported == 5
    again = run(project, "instructgpt", [*rows, {"prompt": "new", "completion": "So."}])
    assert (again.imported, again.already_there, again.rejected) == (1, 5, 0)
    assert Dialogue.objects.count() == 6


def test_a_kill_between_batches_loses_nothing_that_a_second_import_does_not_find(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(6)]

    def die(count: int) -> None:
        if count >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(project, "instructgpt", rows, progress=die)
    assert Dialogue.objects.count() == 4
    report = run(project, "instructgpt", rows)
    assert (report.imported, report.already_there) == (2, 4)


def test_an_ordered_comparison_is_an_imported_ranking_and_no_vote_of_ours(project: Project) -> None:
    rows = [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}]
    run(project, "hh", rows, source="hh-rlhf")
    comparison = Comparison.objects.get()
    ranking = Ranking.objects.get()
    assert (comparison.kind, comparison.state, comparison.source) == ("imported", "closed", "hh-rlhf")
    assert (ranking.kind, ranking.trainer, ranking.assignment) == ("imported", None, None)
    best = comparison.candidates.get(completion_id=ranking.groups[0][0])
    assert best.completion.text == "A"
    assert comparison.source_row is not None
    assert comparison.source_row["row"] == rows[0]
    assert comparison.source_row["importer"] == "hh/1"


def test_completions_without_an_order_wait_for_votes(project: Project, alice: User) -> None:
    rows = [{"messages": [{"role": "user", "content": "Hi"}], "completions": [{"text": "A"}, {"text": "B"}]}]
    run(project, "openai", rows)
    comparison = Comparison.objects.get()
    assert (comparison.kind, comparison.state) == ("normal", "open")
    assert not Ranking.objects.exists()


def test_prompts_go_to_the_pool(project: Project) -> None:
    report = run(project, "alpaca", [{"instruction": "Add.", "output": "x"}], kind="prompts", source="pool")
    assert report.made == {"prompts": 1}
    assert Prompt.objects.get().messages == [{"role": "user", "content": "Add."}]


def test_a_dry_run_counts_shows_and_stores_nothing(project: Project) -> None:
    report = imports.preview(project=project, format="", file=io.BytesIO(json.dumps(PAIR).encode()))
    assert (report.format, report.imported) == ("instructgpt", 1)
    (sample,) = report.samples
    assert sample["before"] == PAIR
    assert sample["after"][0]["messages"][-1] == {"role": "assistant", "content": "Because."}
    assert "stop 'END' dropped from the completion" in sample["transforms"]
    assert not Dialogue.objects.exists()


def test_an_import_can_be_taken_back_and_made_again(project: Project) -> None:
    rows = [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}]
    run(project, "hh", rows, source="one")
    run(project, "instructgpt", [PAIR], source="two")
    counts = imports.revert(project=project, source="one")
    assert counts["comparisons"] == 1
    assert not Comparison.objects.exists()
    assert Dialogue.objects.count() == 1
    assert run(project, "hh", rows, source="one").imported == 1


def test_equal_prompts_get_one_split_across_imports(project: Project) -> None:
    project.test_share = 0.5
    project.save(update_fields=["test_share"])
    run(project, "instructgpt", [{"prompt": f"Why {n}?", "completion": "a"} for n in range(20)])
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    run(project, "instructgpt", [{"prompt": f"WHY  {n}?", "completion": "b"} for n in range(20)])
    sides: dict[str, set[str]] = {}
    for key, split in Dialogue.objects.values_list("prompt_key", "split"):
        sides.setdefault(key, set()).add(split)
    assert len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())
    assert {"test"} in sides.values()


def test_the_command_ends_with_json(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n{\n")
    call_command("import_dialogues", project.slug, "instructgpt", str(path), "--source", "pairs")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["rows"], said["imported"], said["rejected"]) == (2, 1, 1)
    assert said["errors"][0]["line"] == 2
    assert Dialogue.objects.get().source == "pairs"
    for arguments, words in (
        ([project.slug, "word", str(path)], "'word' is not one of"),
        (["nowhere", "hh", str(path)], "no project"),
        ([project.slug, "hh", str(tmp_path / "none")], "cannot be read"),
        ([project.slug, "hh", str(tmp_path)], "cannot be read"),
        (
            [project.slug, "hh", str(path), "--revert", "--source", "typo"],
            r"no import called 'typo'\. There are: pairs",
        ),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("import_dialogues", *arguments)
