"""The slow tier: TRL's trainers and its command read an export as it stands, and a reward model learns
from one what the judges' rule was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from accounts.models import User
from common.shapes import JsonLike
from exports.formats.base import Context
from exports.formats.preferences import FORMAT, Pair
from exports.sources.rankings import RankingRecord
from labeling.feedback import give_feedback
from labeling.models import Comparison, Dialogue, Project
from tests import makers
from tests.exports.makers import export
from tests.generation.tiny import make_tiny_model
from tests.training.exports import commas, make_answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "WANDB_DISABLED": "true"}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**OFFLINE, "HF_HOME": str(tmp_path / "hf")}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "model")


@pytest.fixture
def folder(project: Project, alice: User, tmp_path: Path) -> Path:
    """An export of everything: pairs, demonstrations, thumbs and prompts, in train alone."""
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    rng = Random(3)
    for number in range(4):
        texts = [make_answer(rng) for _ in range(4)]
        rank(project, alice, f"Question {number}", texts)
        dialogue = makers.make_demonstration(project, alice, question=f"Say {make_answer(rng)} {number}")
        assert dialogue.state == "submitted"
        chat = makers.make_chat(project, alice, submit=True)
        for turn in chat.turns.filter(role="assistant"):
            give_feedback(turn=turn, user=alice, thumb_up=number % 2 == 0)
    export(project, tmp_path / "export")
    return tmp_path / "export"


def rank(project: Project, trainer: User, prompt: str, texts: list[str], *, split: str = "train") -> None:
    """A ranking by a known rule: fewer commas are better, equal is a tie."""
    from labeling import comparisons

    made, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": prompt}],
        completions=[{"text": text, "model_version": "toy"} for text in texts],
    )
    Comparison.objects.filter(pk=made.pk).update(split=split)
    places: dict[int, list[int]] = {}
    for index, candidate in enumerate(made.candidates.order_by("index").select_related("completion")):
        places.setdefault(commas(candidate.completion.text), []).append(index)
    makers.make_ranking(made, trainer, groups=[places[key] for key in sorted(places)])


def common(folder: Path, **more: int | float) -> dict[str, JsonLike]:
    return {
        "output_dir": str(folder), "max_steps": 2, "per_device_train_batch_size": 2, "report_to": "none",
        "use_cpu": True, "save_strategy": "no", "logging_steps": 1, "bf16": False, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "config"),
    [("SFT", "sft"), ("Reward", "preferences"), ("DPO", "preferences"), ("KTO", "preferences"), ("KTO", "ratings")],
)
def test_a_trainer_takes_two_steps_on_an_export(
    folder: Path, model: Path, tmp_path: Path, name: str, config: str
) -> None:
    import trl
    from datasets import load_dataset
    from transformers import AutoTokenizer

    data = load_dataset(str(folder), config, split="train")
    arguments = getattr(trl, f"{name}Config")(**common(tmp_path / "out"))
    trainer = getattr(trl, f"{name}Trainer")(
        model=str(model), args=arguments, train_dataset=data, processing_class=AutoTokenizer.from_pretrained(str(model))
    )
    done = trainer.train()
    assert done.global_step == 2
    assert done.training_loss == done.training_loss  # a number


def test_the_reward_command_reads_the_folder(folder: Path, model: Path, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("trl")), "reward", "--dataset_name", str(folder),
        "--dataset_config", "preferences", "--model_name_or_path", str(model), "--output_dir", str(tmp_path / "rm"),
        "--max_steps", "2", "--per_device_train_batch_size", "2", "--report_to", "none", "--use_cpu", "True",
        "--bf16", "False",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **OFFLINE}, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "rm/model.safetensors").exists()


def accuracy(folder: Path, model: Path, out: Path) -> float:
    """Held-out pair accuracy of a reward model trained on the folder's train split."""
    import torch
    import trl
    from datasets import load_dataset
    from transformers import AutoTokenizer, set_seed

    set_seed(7)
    torch.set_num_threads(1)
    data = load_dataset(str(folder), "preferences")
    arguments = trl.RewardConfig(
        **common(out, max_steps=220, per_device_train_batch_size=32, learning_rate=3e-3, logging_steps=50),
        eval_strategy="no", per_device_eval_batch_size=64,
    )  # fmt: skip
    trainer = trl.RewardTrainer(
        model=str(model), args=arguments, train_dataset=data["train"], eval_dataset=data["test"],
        processing_class=AutoTokenizer.from_pretrained(str(model)),
    )  # fmt: skip
    trainer.train()
    return float(trainer.evaluate()["eval_accuracy"])


@pytest.fixture
def judged(project: Project, alice: User) -> Project:
    """Rankings by a known rule: fewer commas are better."""
    rng = Random(11)
    for number in range(110):
        split = "test" if number % 5 == 0 else "train"
        texts = list(dict.fromkeys(make_answer(rng) for _ in range(4)))
        rank(project, alice, f"{make_answer(rng)} {number}", texts, split=split)
    assert not Dialogue.objects.exists()
    return project


def test_a_reward_model_learns_the_judges_rule_and_from_swapped_pairs_its_opposite(
    judged: Project, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(judged, tmp_path / "true", "--config", "preferences")
    assert accuracy(tmp_path / "true", model, tmp_path / "one") > 0.9
    plain = FORMAT.rows

    def swapped(record: RankingRecord, context: Context) -> Iterator[Pair]:
        for row in plain(record, context):
            train = record.split == "train"
            yield {**row, "chosen": row["rejected"], "rejected": row["chosen"]} if train else row

    monkeypatch.setattr(FORMAT, "rows", swapped)
    export(judged, tmp_path / "swapped", "--config", "preferences")
    assert accuracy(tmp_path / "swapped", model, tmp_path / "two") < 0.5
