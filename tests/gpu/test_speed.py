"""On a GPU the hf engine is faster than bare transformers: 8 prompts x 4 x 64 tokens, a model of SmolLM2's shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import gpu_part
from benchmarks.bare import QUESTIONS, Bare
from tests.gpu import engines

pytestmark = engines.on_gpu


def test_it_makes_at_least_1_1_of_the_tokens_of_the_fastest_bare_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = engines.saved(tmp_path, "SmolLM2-135M" if engines.DEVICE == "cuda" else "tiny")
    engine = engines.load(folder, "bfloat16", monkeypatch, rows=32)
    ratio = gpu_part.turns(engine, Bare(folder, engines.DEVICE), QUESTIONS, "SmolLM2-135M", 5)
    engine.close()
    assert ratio >= 1.1
