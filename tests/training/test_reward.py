"""A reward model trained on an export folder: a planted rule is learned, and only that rule."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from common.shapes import JsonObject, Message
from generation import checkpoints
from generation.loading import load_tokenizer, new_reward_model
from sampler.classifiers.reward import CLASSIFIER
from tests.generation.tiny import make_reward_model
from tests.training.exports import add_demonstrations, add_rankings, make_export, swap_pairs
from tests.training.facts import number
from training import folders, reward

SETTINGS = reward.Settings(steps=150, batch_size=8, learning_rate=3e-3)


def train(export: Path, base: Path, out: Path, settings: reward.Settings = SETTINGS) -> JsonObject:
    return reward.train(export=export, base=base, out=out, settings=settings)


def test_a_reward_model_learns_the_rule_that_made_the_rankings(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm")
    assert number(facts, "test_accuracy") > 0.9
    assert number(facts, "test_pairs") > 100
    assert facts["export_id"] == "7c0e8b5e-0000-4000-8000-000000000001"
    assert json.loads((tmp_path / "rm" / checkpoints.FACTS).read_text())["test_accuracy"] == facts["test_accuracy"]

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
    assert number(train(export, base, tmp_path / "rm"), "test_accuracy") < 0.1


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


def test_each_answer_of_a_ranking_is_scored_once(base: Path, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = reward.prepare(load_tokenizer(str(base)), folders.judgements(export, "train"), 128)[:5]
    model = new_reward_model(str(base), None, 0, torch.device("cpu"))
    scored: list[int] = []

    def count(model: object, encoded: list[list[int]], pad: int) -> torch.Tensor:
        scored.append(len(encoded))
        return torch.zeros(len(encoded))

    monkeypatch.setattr(reward, "score", count)
    reward.loss_of(model, data, 0)
    assert scored == [sum(len(one.answers) for one, _ in data)]


def test_tied_pairs_enter_the_loss_by_davidsons_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """One strict pair and one tie, by hand: win : loss : tie as e^(d/2) : e^(-d/2) : nu."""
    one = folders.Judgement("r", [], ["a", "b", "c"], [(0, 1)], [0.5], ties=[(1, 2)], tie_weights=[0.5])
    monkeypatch.setattr(reward, "score", lambda model, encoded, pad: torch.tensor([1.0, 0.0, 0.4]))
    log_nu = torch.tensor(math.log(0.7))
    got = reward.loss_of(None, [(one, [[0], [1], [2]])], 0, log_nu).item()  # type: ignore[arg-type]
    win = math.exp(0.5) / (math.exp(0.5) + math.exp(-0.5) + 0.7)
    tie = 0.7 / (math.exp(0.2) + math.exp(-0.2) + 0.7)
    assert got == pytest.approx(-0.5 * math.log(win) - 0.5 * math.log(tie), rel=1e-6)


def test_how_readily_people_tie_is_learnt_and_left_out_of_the_weights(base: Path, tmp_path: Path) -> None:
    found = []
    for name, width in (("seldom", 1), ("often", 4)):
        export = add_rankings(tmp_path / f"export-{name}", train=100, test=20, width=width)
        facts = train(export, base, tmp_path / name, replace(SETTINGS, ties=True))
        assert number(facts, "test_accuracy") > 0.9
        assert "log_nu" not in load_file(tmp_path / name / "model.safetensors")
        found.append(number(facts, "log_nu"))
    assert found[1] > found[0] + 0.05


def test_demonstrations_have_a_mean_score_of_zero(base: Path, export: Path, tmp_path: Path) -> None:
    add_demonstrations(export)
    facts = train(export, base, tmp_path / "rm")
    assert number(facts, "centre") != 0
    model = CLASSIFIER.load(str(tmp_path / "rm"))
    answers = folders.answers(export, "train", source="sft")
    scores = model.scores([[*one.prompt, Message(role="assistant", content=one.text)] for one in answers])
    assert sum(score for (score,) in scores) / len(scores) == pytest.approx(0, abs=1e-4)


def test_lower_layers_of_the_base_are_kept(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm", replace(SETTINGS, steps=1, layers=1))
    assert facts["layers"] == 1
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
