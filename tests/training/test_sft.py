"""A policy fine-tuned on the answers of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.shapes import Message
from generation.loading import load_tokenizer
from training import folders, sft


def test_fine_tuning_moves_the_policy_towards_the_answers(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = [Message(role="user", content="amber basalt")]
    folders.write_answers(tmp_path / "best", [folders.Answer(prompt, "north otter north otter")] * 4)
    facts = sft.train(
        export=tmp_path / "best", base=base, out=tmp_path / "next", settings=sft.Settings(steps=30, learning_rate=1e-2)
    )
    assert facts.last_loss < facts.first_loss / 4
    assert facts.answers == 4
    assert list((tmp_path / "next").glob("*.safetensors"))
    assert (tmp_path / "next" / "tokenizer.json").exists()


def test_the_loss_sees_the_answer_and_the_end_of_its_turn_only(base: Path) -> None:
    tokenizer = load_tokenizer(str(base))
    answer = folders.Answer([Message(role="user", content="amber")], "north otter")
    ids, start = sft.encode(tokenizer, answer, "")
    assert tokenizer.convert_ids_to_tokens(ids[start:]) == ["north", "otter", "</s>"]
    assert "system" in tokenizer.convert_ids_to_tokens(ids[:start])  # explicit, as it is sampled from
