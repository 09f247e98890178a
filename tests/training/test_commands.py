"""`python -m training.NAME`: what it says, and what it does without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generation.tiny import make_reward_model
from training import ppo, reward, sft

BASE = Path(__file__).resolve().parents[2]
MAINS = {"reward": reward.main, "sft": sft.main, "ppo": ppo.main}
QUICK = {
    "reward": ["--steps", "1"], "sft": ["--steps", "1"],
    "ppo": ["--iterations", "1", "--answers-per-iteration", "8", "--minibatch-size", "8", "--max-tokens", "4"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MAINS))
def test_a_wrong_folder_is_one_line_of_error(
    name: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = MAINS[name]
    more = ["--reward-model", str(base)] if name == "ppo" else []
    assert main([str(tmp_path), str(base), str(tmp_path / "out"), *more]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert main([str(tmp_path), str(tmp_path / "no-model"), str(tmp_path / "out"), *more]) == 1
    assert "no-model" in capsys.readouterr().err


def test_the_reward_model_of_ppo_is_a_folder_among_the_others_or_an_option(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[dict[str, object]] = []

    def train(**given: object) -> dict[str, str]:
        seen.append(given)
        return {}

    monkeypatch.setattr(ppo, "train", train)
    folders = ["export", "base", "rm", "out"]
    assert ppo.main(folders) == 0
    assert ppo.main([*folders[:2], "--beta", "0.1", *folders[2:]]) == 0
    assert ppo.main(["export", "base", "out", "--reward-model", "rm"]) == 0
    assert [[str(given[name]) for name in ("export", "base", "reward_model", "out")] for given in seen] == [folders] * 3
    assert ppo.main(["export", "base", "out"]) == 1
    assert "A reward model is missing" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(MAINS))
def test_it_runs_without_database_and_django_and_tells_the_facts_on_its_last_line(
    name: str, base: Path, export: Path, tmp_path: Path
) -> None:
    """Django's settings name a module that is not there: whoever reads them fails."""
    more = QUICK[name]
    if name == "ppo":
        more = [*more, "--reward-model", str(make_reward_model(tmp_path / "rm", base))]
    watch = (
        "import runpy, sys; sys.argv = ['x', *sys.argv[1:]]\n"
        f"try: runpy.run_module('training.{name}', run_name='__main__')\n"
        "finally: assert not {'django', 'sampler', 'labeling', 'exports'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, str(export), str(base), str(tmp_path / "out"), "--threads", "1",
         *more],
        cwd=BASE, capture_output=True, text=True, check=False,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "no.such.settings", "DATABASE_URL": "", "REDIS_URL": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["kind"] == name
    assert facts == json.loads((tmp_path / "out" / "training.json").read_text())
    assert "step 1 of 1" in done.stderr
    assert "held out" in done.stderr or name == "ppo"
