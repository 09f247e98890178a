"""A reward model trained on an export folder: a planted rule is learned, and only that rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from common.shapes import Message
from generation import checkpoints
from generation.loading import load_tokenizer, new_reward_model
from sampler.classifiers.reward import CLASSIFIER
from tests.generation.tiny import make_reward_model
from tests.training.exports import make_export, swap_pairs
from training import folders, reward

SETTINGS = reward.Settings(steps=150, rankings_per_step=8, learning_rate=3e-3)


def train(export: Path, base: Path, out: Path, settings: reward.Settings = SETTINGS) -> reward.Facts:
    return reward.train(export=export, base=base, out=out, settings=settings)


def test_a_reward_model_learns_the_rule_that_made_the_rankings(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm")
    assert facts.test_accuracy is not None
    assert facts.test_accuracy > 0.9
    assert facts.test_pairs > 100
    assert facts.export_id == "7c0e8b5e-0000-4000-8000-000000000001"
    assert json.loads((tmp_path / "rm" / checkpoints.FACTS).read_text())["test_accuracy"] == facts.test_accuracy

    model = CLASSIFIER.load(str(tmp_path / "rm"))
    ask = Message(role="user", content="amber north")
    few, many = (
        [ask, Message(role="assistant", content=text)]
        for text in ("cedar delta ember fjord", "cedar , delta , ember , fjord")
    )
    (good,), (bad,) = model.scores([few, many])
    assert good > bad


def test_swapped_pairs_teach_the_opposite(base: Path, export: Path, tmp_path: Path) -> None:
    swap_pairs(export, "train")
    facts = train(export, base, tmp_path / "rm")
    assert facts.test_accuracy is not None
    assert facts.test_accuracy < 0.1


def test_pairs_of_weight_zero_teach_nothing(base: Path, tmp_path: Path) -> None:
    export = make_export(tmp_path / "export", train=4, test=0)
    tokenizer = load_tokenizer(str(base))
    model = new_reward_model(str(base), None, 0, torch.device("cpu"))
    data = reward.prepare(tokenizer, folders.judgements(export, "train"), 128)
    whole = reward.loss_of(model, data, 0).item()
    first = reward.loss_of(model, data[:1], 0).item()
    for one, _ in data[1:]:
        one.weights = [0.0] * len(one.weights)
    assert reward.loss_of(model, data, 0).item() == pytest.approx(first, abs=1e-5)
    assert whole != pytest.approx(first, abs=1e-4)


def test_lower_layers_of_the_base_are_kept(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm", replace(SETTINGS, steps=1, layers=1))
    assert facts.layers == 1
    assert json.loads((tmp_path / "rm" / "config.json").read_text())["num_hidden_layers"] == 1


def test_frozen_word_vectors_stay_as_they_were(base: Path, export: Path, tmp_path: Path) -> None:
    train(export, base, tmp_path / "rm", replace(SETTINGS, steps=2, freeze_embeddings=True))
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "rm"))
    name, layer = "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"
    assert before[name].equal(after[name])
    assert not before[layer].equal(after[layer])


def test_a_checkpoint_never_takes_the_place_of_another(base: Path, export: Path, tmp_path: Path) -> None:
    (tmp_path / "rm").mkdir()
    (tmp_path / "rm" / "config.json").write_text("{}")
    with pytest.raises(checkpoints.OutExists, match="not empty"):
        train(export, base, tmp_path / "rm", replace(SETTINGS, steps=1))


def test_an_untrained_reward_model_is_loaded_with_one_output(base: Path, tmp_path: Path) -> None:
    model = CLASSIFIER.load(str(make_reward_model(tmp_path / "rm", base)))
    assert model.labels == ("reward",)
    assert len(model.weights_hash) == 64
