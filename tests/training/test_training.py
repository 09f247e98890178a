"""Reward models and policies trained on export folders: a planted rule is learned, and only that rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler import checkpoints, training_data
from tests.sampler.tiny import make_export, make_reward_model, make_tiny_model, swap_pairs

STEPS = 150


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small is only slowed down by a second one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "export")


def train(export: Path, base: Path, out: Path, **options) -> dict:
    from sampler.classifiers import _train_reward

    options = {"steps": STEPS, "rankings_per_step": 8, "learning_rate": 3e-3} | options
    return _train_reward.train(export=export, base=base, out=out, **options)


def test_a_reward_model_learns_the_rule_that_made_the_rankings(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm")
    assert facts["test_accuracy"] > 0.9
    assert facts["test_pairs"] > 100
    assert facts["export_id"] == "7c0e8b5e-0000-4000-8000-000000000001"
    assert json.loads((tmp_path / "rm" / checkpoints.FACTS).read_text())["test_accuracy"] == facts["test_accuracy"]

    from sampler.classifiers import reward

    model = reward.load(str(tmp_path / "rm"))
    ask = [{"role": "user", "content": "amber north"}]
    few, many = (
        [*ask, {"role": "assistant", "content": text}]
        for text in ("cedar delta ember fjord", "cedar , delta , ember , fjord")
    )
    (good,), (bad,) = model.scores([few, many])
    assert good > bad


def test_swapped_pairs_teach_the_opposite(base: Path, export: Path, tmp_path: Path) -> None:
    swap_pairs(export, "train")
    assert train(export, base, tmp_path / "rm")["test_accuracy"] < 0.1


def test_pairs_of_weight_zero_teach_nothing(base: Path, tmp_path: Path) -> None:
    from sampler.classifiers import _train_reward as t

    export = make_export(tmp_path / "export", train=4, test=0)
    tokenizer = t.load_tokenizer(str(base))
    model = t.new_model(str(base), None, 0)
    data = t.prepare(tokenizer, training_data.judgements(export, "train"), 128)
    whole = t.loss_of(model, data, 0).item()
    first = t.loss_of(model, data[:1], 0).item()
    for one, _ in data[1:]:
        one.weights = [0.0] * len(one.weights)
    assert t.loss_of(model, data, 0).item() == pytest.approx(first, abs=1e-5)
    assert whole != pytest.approx(first, abs=1e-4)


def test_every_answer_of_a_ranking_is_read_once(export: Path) -> None:
    found = training_data.judgements(export, "train")
    assert all(len(one.answers) <= 4 for one in found)
    assert max(len(one.pairs) for one in found) > 4
    assert all(sum(one.weights) == pytest.approx(1) for one in found)


def test_packed_and_sharded_files_are_read(export: Path, tmp_path: Path) -> None:
    import gzip

    plain = training_data.judgements(export, "train")
    path = export / "preferences" / "train.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.unlink()
    half = len(lines) // 2
    for number, part in enumerate((lines[:half], lines[half:])):
        (path.parent / f"train-0000{number}-of-00002.jsonl.gz").write_bytes(gzip.compress("".join(part).encode()))
    assert training_data.judgements(export, "train") == plain


def test_rankings_are_read_where_there_are_no_preferences(tmp_path: Path) -> None:
    (tmp_path / "rankings").mkdir()
    places = [("best", 0), ("tied a", 1), ("tied b", 1), ("best", 2)]
    row = {
        "id": "r1", "context": [{"role": "user", "content": "q"}], "status": "ranked",
        "completions": [{"rank": r, "completion": [{"role": "assistant", "content": t}]} for t, r in places],
    }  # fmt: skip
    unrankable = row | {"id": "r2", "status": "not_rankable"}
    (tmp_path / "rankings" / "train.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(unrankable) + "\n")
    (one,) = training_data.judgements(tmp_path, "train")
    assert one.pairs == [(0, 1), (0, 2), (1, 3), (2, 3)]  # neither the tie nor the two equal texts
    assert one.weights == [0.25] * 4


def test_lower_layers_of_the_base_are_kept(base: Path, export: Path, tmp_path: Path) -> None:
    facts = train(export, base, tmp_path / "rm", steps=1, layers=1)
    assert facts["layers"] == 1
    assert json.loads((tmp_path / "rm" / "config.json").read_text())["num_hidden_layers"] == 1


def test_frozen_word_vectors_stay_as_they_were(base: Path, export: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    train(export, base, tmp_path / "rm", steps=2, freeze_embeddings=True)
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "rm"))
    name, layer = "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"
    assert before[name].equal(after[name])
    assert not before[layer].equal(after[layer])


def test_a_checkpoint_never_takes_the_place_of_another(base: Path, export: Path, tmp_path: Path) -> None:
    (tmp_path / "rm").mkdir()
    (tmp_path / "rm" / "config.json").write_text("{}")
    with pytest.raises(checkpoints.OutExists, match="not empty"):
        train(export, base, tmp_path / "rm", steps=1)


def test_a_checkpoint_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with checkpoints.writing(tmp_path / "rm") as folder:
            (folder / "half.safetensors").write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trainer", ["sampler.classifiers._train_reward", "sampler.engines._train_sft"])
def test_a_wrong_folder_is_one_line_of_error(
    trainer: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib

    main = importlib.import_module(trainer).main
    assert main([str(tmp_path), str(base), str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert main([str(tmp_path), str(tmp_path / "no-model"), str(tmp_path / "out")]) == 1
    assert "no-model" in capsys.readouterr().err


def test_fine_tuning_moves_the_policy_towards_the_answers(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sampler.engines import _train_sft

    prompt = [{"role": "user", "content": "amber basalt"}]
    training_data.write_answers(tmp_path / "best", [training_data.Answer(prompt, "north otter north otter")] * 4)
    facts = _train_sft.train(export=tmp_path / "best", base=base, out=tmp_path / "next", steps=30, learning_rate=1e-2)
    assert facts["last_loss"] < facts["first_loss"] / 4
    assert facts["answers"] == 4
    assert list((tmp_path / "next").glob("*.safetensors"))
    assert (tmp_path / "next" / "tokenizer.json").exists()


def test_the_loss_sees_the_answer_and_the_end_of_its_turn_only(base: Path) -> None:
    from sampler.engines import _train_sft

    tokenizer = _train_sft.load_tokenizer(str(base))
    answer = training_data.Answer([{"role": "user", "content": "amber"}], "north otter")
    ids, start = _train_sft.encode(tokenizer, answer, "")
    assert tokenizer.convert_ids_to_tokens(ids[start:]) == ["north", "otter", "</s>"]
    assert "system" in tokenizer.convert_ids_to_tokens(ids[:start])  # explicit, as it is sampled from


def test_best_answers_are_those_that_nothing_beats(export: Path) -> None:
    best = training_data.answers(export, "train")
    assert len(best) >= len(training_data.judgements(export, "train"))
    from tests.sampler.tiny import commas

    worst = max(commas(one.text) for one in best)
    assert worst < 4


def test_an_untrained_reward_model_is_loaded_with_one_output(base: Path, tmp_path: Path) -> None:
    from sampler.classifiers import reward

    model = reward.load(str(make_reward_model(tmp_path / "rm", base)))
    assert model.labels == ("reward",)
    assert len(model.weights_hash) == 64
