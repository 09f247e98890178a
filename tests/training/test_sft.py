"""A policy fine-tuned on the answers of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.shapes import Message
from generation.loading import load_tokenizer
from tests.training.facts import number
from training import folders, sft


def test_fine_tuning_moves_the_policy_towards_the_answers(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = [Message(role="user", content="amber basalt")]
    folders.write_answers(tmp_path / "best", [folders.Answer(prompt, "north otter north otter")] * 4)
    facts = sft.train(
        export=tmp_path / "best",
        base=base,
        out=tmp_path / "next",
        settings=sft.Settings(steps=30, batch_size=4, learning_rate=1e-2),
    )  # fmt: skip
    assert number(facts, "last_loss") < number(facts, "first_loss") / 4
    assert facts["answers"] == 4
    assert list((tmp_path / "next").glob("*.safetensors"))
    assert (tmp_path / "next" / "tokenizer.json").exists()


def test_the_loss_sees_the_answer_and_the_end_of_its_turn_only(base: Path) -> None:
    tokenizer = load_tokenizer(str(base))
    answer = folders.Answer([Message(role="user", content="amber")], "north otter")
    ids, start = sft.encode(tokenizer, answer, "")
    assert tokenizer.convert_ids_to_tokens(ids[start:]) == ["north", "otter", "</s>"]
    assert "system" in tokenizer.convert_ids_to_tokens(ids[:start])  # explicit, as it is sampled from


def test_a_cut_answer_is_learnt_without_an_end_of_turn(base: Path) -> None:
    tokenizer = load_tokenizer(str(base))
    answer = folders.Answer([Message(role="user", content="amber")], "north otter", cut=True)
    ids, start = sft.encode(tokenizer, answer)
    assert tokenizer.convert_ids_to_tokens(ids[start:]) == ["north", "otter"]


def test_a_cut_answer_is_told_from_a_whole_one_in_every_configuration(tmp_path: Path) -> None:
    prompt = [Message(role="user", content="amber")]
    folders.write_answers(
        tmp_path / "best", [folders.Answer(prompt, "north", cut=True), folders.Answer(prompt, "otter")]
    )
    assert [one.cut for one in folders.answers(tmp_path / "best", "train")] == [True, False]
    row = {
        "ranking_id": "r", "prompt": prompt, "weight": 1.0, "chosen_completion_id": "a", "rejected_completion_id": "b",
        "chosen": [{"role": "assistant", "content": "north"}], "rejected": [{"role": "assistant", "content": "otter"}],
        "chosen_finish_reason": "length", "rejected_finish_reason": "stop",
    }  # fmt: skip
    (tmp_path / "pairs" / "preferences").mkdir(parents=True)
    (tmp_path / "pairs" / "preferences" / "train.jsonl").write_text(json.dumps(row) + "\n")
    assert [(one.text, one.cut) for one in folders.answers(tmp_path / "pairs", "train")] == [("north", True)]


def test_the_system_turn_is_the_models_own_where_it_is_served_so(base: Path) -> None:
    tokenizer = load_tokenizer(str(base))
    answer = folders.Answer([Message(role="user", content="amber")], "north otter")
    ids, start = sft.encode(tokenizer, answer, system_turn="template")
    assert "system" not in tokenizer.convert_ids_to_tokens(ids[:start])
