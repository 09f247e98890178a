"""Each recipe takes two steps on an export on the CPU and leaves a checkpoint; pairs count by their weight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from tests.generation.tiny import make_reward_model, make_tiny_model
from tests.training.exports import add_demonstrations, make_export

if TYPE_CHECKING:
    from recipes.reward import WeightedRewardTrainer

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CARD = """---
configs:
- config_name: sft
  data_files: [{split: train, path: sft/train.jsonl}]
- config_name: preferences
  data_files: [{split: train, path: preferences/train.jsonl}, {split: test, path: preferences/test.jsonl}]
- config_name: prompts
  data_files: [{split: train, path: prompts/train.jsonl}]
---
"""
COMMON = [
    "--max_steps", "2", "--per_device_train_batch_size", "2", "--report_to", "none", "--use_cpu", "True",
    "--bf16", "False", "--logging_steps", "1", "--save_strategy", "no",
]  # fmt: skip
ONLINE = ["--num_generations", "2", "--max_completion_length", "8"]
METHODS = {
    "sft": [], "reward": [], "dpo": [], "rloo": ONLINE, "grpo": ONLINE,
    "sft with adapters": ["--use_peft", "True", "--lora_target_modules", "q_proj", "v_proj"],
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the card by which `datasets` finds the configurations, as the product writes it."""
    folder = make_export(tmp_path_factory.mktemp("data") / "export", train=20, test=5)
    add_demonstrations(folder)
    (folder / "prompts").mkdir()
    rows = [json.loads(line) for line in (folder / "preferences" / "train.jsonl").read_text().splitlines()]
    lines = (json.dumps({"id": str(at), "prompt": row["prompt"]}) + "\n" for at, row in enumerate(rows))
    (folder / "prompts" / "train.jsonl").write_text("".join(lines))
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_recipe_takes_two_steps_and_leaves_a_checkpoint(
    method: str, base: Path, export: Path, tmp_path: Path
) -> None:
    more = METHODS[method]
    if more is ONLINE:
        more = [*more, "--reward_model_name_or_path", str(make_reward_model(tmp_path / "judge", base))]
    done = subprocess.run(
        [sys.executable, "-m", f"recipes.{method.split()[0]}", "--dataset_name", str(export), "--model_name_or_path",
         str(base), "--output_dir", str(tmp_path / "out"), *COMMON, *more],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert list((tmp_path / "out").glob("*.safetensors"))
    assert "'loss'" in done.stdout + done.stderr


@pytest.fixture
def trainer(base: Path, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightedRewardTrainer:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from recipes.common import Recipe
    from recipes.reward import WeightedRewardTrainer

    arguments = ["--dataset_name", str(export), "--model_name_or_path", str(base), "--output_dir", str(tmp_path / "o")]
    recipe = Recipe("RewardConfig", "preferences", [*arguments, *COMMON])
    return WeightedRewardTrainer(**recipe.options(recipe.trl.RewardTrainer))


@pytest.mark.filterwarnings("ignore")  # TRL's own
def test_pairs_count_by_their_weight(trainer: WeightedRewardTrainer) -> None:
    """By hand: the mean over pairs of weight over mean weight times -log sigmoid of the difference."""
    examples = [trainer.train_dataset[at] for at in range(0, 80, 10)]
    weights = [float(one["weight"]) for one in examples]
    assert len(set(weights)) > 1
    batch = trainer.data_collator(examples)
    trainer.model.eval()
    with torch.no_grad():
        got = value(trainer, batch)
        kept = {name: value for name, value in batch.items() if name != "weight"}
        chosen, rejected = trainer.model(**kept).logits.squeeze(-1).chunk(2)
    losses = torch.nn.functional.softplus(rejected - chosen).tolist()
    every = trainer.train_dataset["weight"]
    mean = sum(every) / len(every)
    wanted = sum(weight / mean * loss for weight, loss in zip(weights, losses, strict=True)) / len(losses)
    assert got == pytest.approx(wanted, rel=1e-5)
    batch["weight"] = torch.full((8,), mean)
    assert value(trainer, batch) == pytest.approx(sum(losses) / 8, rel=1e-5)


def value(trainer: WeightedRewardTrainer, batch: dict[str, torch.Tensor]) -> float:
    loss = trainer.compute_loss(trainer.model, dict(batch))
    assert isinstance(loss, torch.Tensor)
    return loss.item()
