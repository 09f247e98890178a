"""Which split a row goes to: equal prompts together, near-duplicates of train out of test."""

from __future__ import annotations

from pathlib import Path

from accounts.models import User
from common.stats import minhash
from labeling import projects
from labeling.models import Dialogue, Project
from tests import makers
from tests.exports.makers import export, given, prompts_of, rows


def test_equal_prompts_share_a_split_in_every_configuration(project: Project, alice: User, tmp_path: Path) -> None:
    project.test_share, project.split_salt = 0.5, "steady"
    project.save(update_fields=["test_share", "split_salt"])
    for number in range(12):
        question = f"Question {number}?"
        makers.make_demonstration(project, alice, question=question)
        makers.make_ranking(makers.make_comparison(project, prompt=f"  QUESTION   {number}?"), alice)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"question {n}?"}] for n in range(12)])
    export(project, tmp_path / "x")
    sides: dict[str, set[str]] = {}
    for config in ("sft", "preferences", "rankings", "prompts"):
        for split in ("train", "test"):
            for prompt in prompts_of(tmp_path / "x", config, split):
                key = " ".join(prompt[0]["content"].casefold().split())
                sides.setdefault(key, set()).add(split)
    assert len(sides) == 12
    assert all(len(side) == 1 for side in sides.values())
    assert {next(iter(side)) for side in sides.values()} == {"train", "test"}


def test_a_row_keeps_its_split_when_the_share_changes(project: Project, alice: User, tmp_path: Path) -> None:
    for number in range(10):
        makers.make_demonstration(project, alice, question=f"Question {number}?")
    export(project, tmp_path / "one", "--config", "sft")
    project.test_share = 0.9
    project.save(update_fields=["test_share"])
    for number in range(10):
        makers.make_demonstration(project, alice, question=f"Question {number}?")
    export(project, tmp_path / "two", "--config", "sft")
    for split in ("train", "test"):
        before = {row["id"] for row in rows(tmp_path / "one", "sft", split)}
        assert before <= {row["id"] for row in rows(tmp_path / "two", "sft", split)}


def test_a_test_row_with_a_near_duplicate_in_train_is_left_out(project: Project, alice: User, tmp_path: Path) -> None:
    for split, question in (
        ("train", "Explain to a six-year-old why the sky is blue, in a few sentences."),
        ("test", "Explain to a six year old why the sky is blue in a few short sentences!"),
        ("test", "Write a letter of complaint about a late train."),
    ):
        demonstration = makers.make_demonstration(project, alice, question=question)
        Dialogue.objects.filter(pk=demonstration.pk).update(split=split)
    manifest = export(project, tmp_path / "x", "--config", "sft")
    assert manifest["excluded"] == {"test row with a near-duplicate in train": 1}
    assert [r["prompt"][0]["content"][:5] for r in rows(tmp_path / "x", "sft", "test")] == ["Write"]


def test_split_by_author_never_parts_an_author_and_leaves_shared_prompts_out_of_test(tmp_path: Path, db: None) -> None:
    project = makers.make_project("by-author", split_by="author", test_share=0.5)
    people = [makers.make_member(project, f"author{n}") for n in range(8)]
    for number, person in enumerate(people, 1):
        makers.make_demonstration(project, person, question="The same for all?")
        makers.make_demonstration(project, person, question=f"Only from {number}: why {'so ' * number}?")
    export(project, tmp_path / "x", "--config", "sft")
    sides: dict[str, set[str]] = {}
    for split in ("train", "test"):
        for row in rows(tmp_path / "x", "sft", split):
            sides.setdefault(given(row["annotator_id"]), set()).add(split)
    assert all(len(side) == 1 for side in sides.values())
    texts = [{r["prompt"][0]["content"] for r in rows(tmp_path / "x", "sft", split)} for split in ("train", "test")]
    assert not texts[0] & texts[1]


def test_sketches_tell_near_duplicates_from_other_prompts() -> None:
    long = "Summarise the history of the bicycle, from the draisine of 1817 to the electric bicycles of today. "
    texts = [
        long,
        long.replace("history", "story"),
        "How do magnets work?",
        "How do magnets work? 2",
        "",
        "日本の首都は?",
    ]
    found = minhash.sketch(texts)
    near = [minhash.Index(found[:1]).near(found[i : i + 1]) == {0} for i in range(len(texts))]
    assert near == [True, True, False, False, False, False]
    assert minhash.Index(found[2:3]).near(found[3:4]) == set()  # another number is another question
