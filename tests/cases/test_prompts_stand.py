"""Prompts and judgements stand on their own: what happens to one occurrence of a text takes no other with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from exports import runs
from exports.options import Options
from labeling import candidates, comparisons, corrections, dialogues, projects, stock, turns
from labeling.models import Comparison, Project, Prompt
from labeling.quality import hidden
from tests import makers
from tests.exports.makers import export, given, rows


def pool(project: Project, *texts: str) -> list[Prompt]:
    asked = [[{"role": "user", "content": text}] for text in texts]
    made = projects.add_prompts(project=project, prompts=asked, source="pool")
    return sorted(made, key=lambda prompt: texts.index(prompt.messages[0]["content"]))


def told(project: Project, folder: Path, *options: str) -> list[str]:
    export(project, folder, "--config", "prompts", *options)
    return sorted(row["prompt"][0]["content"] for row in rows(folder, "prompts"))


def next_round(project: Project) -> None:
    projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])


def in_stock(project: Project, prompt: Prompt) -> Comparison:
    """The prompt made into a comparison of the open round."""
    projects.change_settings(project=project, stock_target=50)
    stock.keep_stock()
    makers.answer_all()
    candidates.settle_sampling()
    return Comparison.objects.filter(pool_prompt=prompt).latest("created_at")


def imported(project: Project, text: str) -> Comparison:
    made = makers.make_comparison(project, prompt=text)
    Comparison.objects.filter(pk=made.pk).update(
        kind="imported", source="brought in", state="closed", closed_at=made.opened_at
    )
    return made


def test_prompts_of_the_pool_stand_beside_unmixed_imports_on_them(project: Project, tmp_path: Path) -> None:
    texts = [f"Pool, the {number}th" for number in range(12)]
    for text in texts[:3]:
        imported(project, text)  # these came before the pool
    pool(project, *texts)
    for text in texts[3:6]:
        imported(project, text)
    assert told(project, tmp_path / "x") == sorted(texts)
    assert told(project, tmp_path / "mixed", "--mix", "brought in=1") == sorted(texts)


def test_a_discarded_comparison_takes_its_prompt_along(project: Project, alice: User, tmp_path: Path) -> None:
    kept, harmful = makers.make_comparison(project, prompt="Kept?"), makers.make_comparison(project, prompt="Harmful?")
    makers.make_ranking(harmful, alice)
    before = export(project, tmp_path / "before", "--config", "prompts")
    comparisons.discard(comparison=harmful, reason="harmful")
    assert told(project, tmp_path / "x") == ["Kept?"]
    assert told(project, tmp_path / "as of then", "--cutoff", before["cutoff"]) == ["Harmful?", "Kept?"]
    export(project, tmp_path / "delta", "--config", "prompts", "--since", before["cutoff"])
    assert str(harmful.pk) in (tmp_path / "delta" / "tombstones.jsonl").read_text()
    assert kept.state == "open"


def test_another_occurrence_of_a_discarded_comparisons_prompt_stands(project: Project, tmp_path: Path) -> None:
    first, second = makers.make_comparison(project, prompt="Twice?"), makers.make_comparison(project, prompt="Twice?")
    (prompt,) = pool(project, "Pooled?")
    of_pool = in_stock(project, prompt)
    for one in (first, of_pool):
        comparisons.discard(comparison=one, reason="The answers were of no use.")
    assert told(project, tmp_path / "x") == ["Pooled?", "Twice?"]
    assert {row["id"] for row in rows(tmp_path / "x", "prompts")} == {str(second.pk), str(prompt.pk)}


def test_discarded_as_harmful_a_comparison_takes_its_prompt_out_of_the_pool_too(
    project: Project, tmp_path: Path
) -> None:
    (prompt, same) = pool(project, "Harmful of the pool?", "Harmful elsewhere?")
    comparisons.discard(comparison=in_stock(project, prompt), reason="harmful", harmful=True)
    brought = makers.make_comparison(project, prompt="Harmful elsewhere?")
    comparisons.discard(comparison=Comparison.objects.get(pool_prompt=same), reason="The answers were of no use.")
    comparisons.discard(comparison=brought, reason="harmful", harmful=True)
    assert told(project, tmp_path / "x") == []
    assert Prompt.objects.filter(retired_at=None).count() == 0


def test_a_chat_that_was_taken_back_takes_its_prompt_along(project: Project, alice: User, tmp_path: Path) -> None:
    chat = makers.make_chat(project, alice, submit=True)
    makers.answer_all()
    candidates.settle_sampling()
    assert len(told(project, tmp_path / "before")) == 1
    corrections.undo_submission(dialogue=chat)
    assert told(project, tmp_path / "x") == []


def test_a_round_counts_what_occurred_in_it(project: Project, alice: User, tmp_path: Path) -> None:
    compared, opened, unused = pool(project, "Compared?", "Opened?", "Unused?")
    projects.retire_prompts(prompts=[unused])
    in_stock(project, compared)
    Comparison.objects.filter(pool_prompt=opened).delete()
    projects.change_settings(project=project, stock_target=0)
    makers.make_comparison(project, prompt="Brought in the first round?")
    next_round(project)
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration", prompt=opened)
    turns.add_turn(dialogue=draft, role="user", text="Opened?")
    turns.add_turn(dialogue=draft, role="assistant", text="Yes.")
    dialogues.submit_dialogue(dialogue=draft)
    again = makers.make_comparison(project, prompt="Compared?")
    assert told(project, tmp_path / "all") == ["Brought in the first round?", "Compared?", "Opened?"]
    assert told(project, tmp_path / "1", "--round", "1") == ["Brought in the first round?", "Compared?"]
    assert {row["id"] for row in rows(tmp_path / "1", "prompts")} >= {str(compared.pk)}
    assert told(project, tmp_path / "2", "--round", "2") == ["Compared?", "Opened?"]
    assert {row["id"] for row in rows(tmp_path / "2", "prompts")} == {str(again.pk), str(opened.pk)}


def test_other_kinds_stand_though_the_pool_holds_their_prompt(project: Project, alice: User, tmp_path: Path) -> None:
    pool(project, "Known?")
    ranking = makers.make_ranking(makers.make_comparison(project, prompt="Known?"), alice)
    item = hidden.make_original(ranking=ranking, kind="calibration")
    options = Options.from_dict({"configs": ["prompts"], "kinds": ["calibration"]})
    run = runs.request(project=project, trigger="command", options=options, ring=False)
    runs.execute(run=given(runs.claim(run_id=str(run.pk))), target=tmp_path / "x")
    assert [row["id"] for row in rows(tmp_path / "x", "prompts")] == [str(item.pk)]


@pytest.mark.parametrize("first", ["train", "test"])
def test_a_row_of_test_that_goes_takes_no_row_of_train_with_it(project: Project, tmp_path: Path, first: str) -> None:
    other = {"train": "test", "test": "train"}[first]
    for split in (first, other):  # by author, one text can be on both sides
        made = makers.make_comparison(project, prompt="On both sides?")
        Comparison.objects.filter(pk=made.pk).update(split=split)
    export(project, tmp_path / "x", "--config", "prompts")
    assert (len(rows(tmp_path / "x", "prompts", "train")), len(rows(tmp_path / "x", "prompts", "test"))) == (1, 0)


def test_a_discarded_row_of_train_keeps_no_row_out_of_test(project: Project, alice: User, tmp_path: Path) -> None:
    for split in ("train", "test"):
        made = makers.make_comparison(project, prompt="On both sides?")
        Comparison.objects.filter(pk=made.pk).update(split=split)
        makers.make_ranking(made, alice)
    before = export(project, tmp_path / "before", "--config", "rankings")
    assert len(rows(tmp_path / "before", "rankings", "test")) == 0
    comparisons.discard(comparison=Comparison.objects.get(split="train"), reason="A mistake.")
    export(project, tmp_path / "after", "--config", "rankings")
    assert len(rows(tmp_path / "after", "rankings", "test")) == 1
    export(project, tmp_path / "then", "--config", "rankings", "--cutoff", before["cutoff"])
    assert len(rows(tmp_path / "then", "rankings", "test")) == 0
