"""vLLM beside the hf engine; named as not run where it is not installed."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from common.shapes import Message
from tests.gpu import engines

pytestmark = [
    *engines.on_gpu,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="not run: vllm is not installed here"),
]


def test_vllm_draws_greedy_text_as_the_hf_engine_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = engines.saved(tmp_path, "SmolLM2-135M")
    engine = engines.load(folder, "bfloat16", monkeypatch)
    prompts = engines.PROMPTS[:3]
    theirs = [engines.generated(engine, text, 16) for text in prompts]
    rendered = [engine.chat.render([Message(role="user", content=text)], max_tokens=16).ids for text in prompts]
    engine.close()
    library: Any = import_module("vllm")
    served = library.LLM(folder, dtype="bfloat16", generation_config="vllm", gpu_memory_utilization=0.5)
    params = library.SamplingParams(temperature=0, max_tokens=16)
    outs = served.generate([{"prompt_token_ids": ids} for ids in rendered], params)
    gaps = [engines.parting(out.outputs[0].text, *one) for out, one in zip(outs, theirs, strict=True)]
    assert all(gap is None or gap < 0.15 for gap in gaps)
