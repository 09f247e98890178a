"""The loop of reward models and fine-tuned policies: any way of gathering a step gives the same gradient."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.exports import add_demonstrations, make_export
from tests.training.facts import number
from training import accelerated, fit, reward, sft
from training.folders import BadFolder

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = reward.Settings(steps=4, batch_size=8, learning_rate=1e-3)


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_an_epoch_is_every_item_once() -> None:
    data = list(range(10))
    drawn = [item for step in (1, 2, 3, 4, 5) for item in fit.batch(data, step, 4, seed=1)]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == data
    assert drawn[:10] != drawn[10:]
    assert fit.batch(data, 3, 4, seed=1) == drawn[8:12]  # needs nothing of the steps before
    assert Counter(fit.batch([1, 2], 1, 6, seed=0)) == {1: 3, 2: 3}


def test_the_learning_rate_rises_and_then_falls() -> None:
    rates = [fit.rate(step, 20) for step in range(1, 21)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(1 / 18)


def test_a_step_gathered_in_parts_is_the_step(base: Path, export: Path, tmp_path: Path) -> None:
    """Also where the parts weigh differently: here they hold 1 to 6 pairs."""
    for name, size in (("whole", 0), ("parts", 3)):
        reward.train(export=export, base=base, out=tmp_path / name, settings=replace(SETTINGS, micro_batch_size=size))
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)


def test_checkpointing_changes_no_loss(base: Path, export: Path, tmp_path: Path) -> None:
    for name, wanted in (("without", False), ("with", True)):
        reward.train(
            export=export, base=base, out=tmp_path / name, settings=replace(SETTINGS, gradient_checkpointing=wanted)
        )
    assert losses(tmp_path / "with") == pytest.approx(losses(tmp_path / "without"), abs=1e-5)


def test_a_run_that_was_cut_goes_on_where_it_was(
    base: Path, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, steps=6, save_every=2)
    whole = reward.train(export=export, base=base, out=tmp_path / "whole", settings=settings)
    step = fit.Loop._step
    calls: list[int] = []

    def cut(*arguments: object) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return step(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fit.Loop, "_step", cut)
    with pytest.raises(KeyboardInterrupt):
        reward.train(export=export, base=base, out=tmp_path / "cut", settings=settings)
    told: list[str] = []
    facts = reward.train(export=export, base=base, out=tmp_path / "cut", settings=settings, tell=told.append)
    assert any("goes on after step 2" in line for line in told)
    assert facts["weights_sha256"] == whole["weights_sha256"]
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_a_run_with_other_options_does_not_go_on_from_a_strange_state(
    base: Path, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, save_every=1)
    monkeypatch.setattr("training.record.Record.finish", lambda *arguments: None)
    reward.train(export=export, base=base, out=tmp_path / "rm", settings=settings)
    assert list(tmp_path.glob(".rm.unfinished/state-*"))
    told: list[str] = []
    other = replace(settings, learning_rate=2e-3)
    reward.train(export=export, base=base, out=tmp_path / "rm", settings=other, tell=told.append)
    assert not any("goes on" in line for line in told)


def test_it_stops_when_the_held_out_loss_no_longer_falls(base: Path, tmp_path: Path) -> None:
    """Four rankings are soon known by heart; the best weights are kept."""
    export = make_export(tmp_path / "export", train=4, test=20)
    settings = replace(SETTINGS, steps=200, batch_size=4, learning_rate=1e-2, evaluate_every=2, patience=2)
    facts = reward.train(export=export, base=base, out=tmp_path / "rm", settings=settings)
    assert facts["stopped_early"] is True
    assert number(facts, "steps") < 200
    rows = [json.loads(line) for line in (tmp_path / "rm" / "metrics.jsonl").read_text().splitlines()]
    held_out = [row["held_out_loss"] for row in rows if "held_out_loss" in row]
    assert min(held_out) < held_out[-1]
    assert facts["held_out_loss"] == pytest.approx(min(held_out), abs=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed in v6:FutureWarning")  # peft's
def test_adapters_are_merged_into_a_whole_checkpoint(base: Path, export: Path, tmp_path: Path) -> None:
    add_demonstrations(export)
    lora = replace(SETTINGS, lora_rank=4)
    reward.train(export=export, base=base, out=tmp_path / "rm", settings=lora)
    sft.train(export=export, base=base, out=tmp_path / "policy", settings=sft.Settings(steps=2, lora_rank=4))
    for name in ("rm", "policy"):
        before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / name))
        layer = "model.layers.0.mlp.up_proj.weight"
        assert not any("lora" in key for key in after)
        assert not before[layer].equal(after[layer])


@pytest.mark.parametrize(
    ("has", "precision", "mixed"),
    [(True, "auto", "bf16"), (False, "auto", "no"), (True, "float32", "no"), (False, "bfloat16", "bf16")],
)
def test_16_bits_are_taken_where_the_cpu_has_them(
    has: bool, precision: str, mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerated, "has_bfloat16", lambda: has)
    assert accelerated.accelerator_for(replace(SETTINGS, precision=precision)).mixed_precision == mixed


def test_a_step_that_cannot_be_shared_is_refused(base: Path, export: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, batch_size=0)
    with pytest.raises(BadFolder):
        reward.train(export=export, base=base, out=tmp_path / "rm", settings=settings)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["reward", "sft", "ppo"])
def test_two_processes_lose_what_one_does(name: str, base: Path, export: Path, tmp_path: Path) -> None:
    """On the CPU, in 32 bits, to 1e-4 of each step's loss: sums are gathered in another order."""
    add_demonstrations(export, 40)
    arguments = {
        "reward": ["--steps", "4", "--batch-size", "8"],
        "sft": ["--steps", "4", "--batch-size", "8"],
        "ppo": ["--iterations", "2", "--answers-per-iteration", "16", "--minibatch-size", "16", "--epochs", "1",
                "--max-tokens", "8", "--reward-model", str(tmp_path / "judge")],
    }[name]  # fmt: skip
    if name == "ppo":
        reward.train(export=export, base=base, out=tmp_path / "judge", settings=SETTINGS)
    rows = {}
    for processes in (1, 2):
        out = tmp_path / f"out-{processes}"
        launch = ["--cpu", "--num_processes", str(processes), "--num_machines", "1", "--mixed_precision", "no",
                  "--dynamo_backend", "no"]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", *launch, "-m", f"training.{name}",
             str(export), str(base), str(out), "--threads", "1", "--precision", "float32", *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        rows[processes] = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    for key in ("loss", "reward", "kl", "policy_loss", "value_loss"):
        one, two = ([row[key] for row in rows[n] if key in row] for n in (1, 2))
        assert two == pytest.approx(one, abs=1e-4), key
    assert torch.isfinite(torch.tensor([row.get("loss", 0.0) for row in rows[2]])).all()
