"""A GPU whose memory really runs out, and one that two workers share."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sampler.engines.base import Ended, Failed
from tests.gpu import engines

pytestmark = engines.on_gpu
BASE = Path(__file__).resolve().parents[2]
LEFT = 300 << 20  # bytes that somebody else leaves us; the samples asked for need over a gigabyte


@pytest.mark.skipif(engines.DEVICE != "cuda", reason="the memory of a CPU is not ours to fill")
@pytest.mark.parametrize("decoding", ["captured", "plain"])
def test_out_of_memory_for_real_makes_the_batch_smaller_and_loses_nothing(
    tmp_path: Path, decoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engines.load(engines.saved(tmp_path, "SmolLM2-135M"), "bfloat16", monkeypatch, rows=64, decoding=decoding)
    asked = [engines.job("rivers and mills " * 20, n=8, max_tokens=60, seed=at) for at in range(8)]
    engines.drawn(engine, [engines.job("warm", n=2, max_tokens=4)])
    torch.cuda.empty_cache()
    held = torch.empty(torch.cuda.mem_get_info()[0] - LEFT, dtype=torch.uint8, device="cuda")
    smallest = engine.most
    try:
        for one in asked:
            engine.add(one)
        ended: list[Ended] = []
        while len(ended) < len(asked):
            for event in engine.step():
                assert not isinstance(event, Failed), event
                ended += [event] if isinstance(event, Ended) else []
            smallest = min(smallest, engine.most)
    finally:
        del held
        torch.cuda.empty_cache()
    print(f"the batch went from 64 rows to {smallest}")
    assert smallest < 64
    for end in ended:
        assert [one.index for one in end.drawn] == list(range(8))
        assert all(one.completion_tokens == 60 or one.finish_reason == "stop" for one in end.drawn)
    engine.close()


@pytest.mark.skipif(engines.DEVICE != "cuda", reason="nothing is captured on a CPU")
def test_steps_are_really_captured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engines.load(engines.saved(tmp_path), "bfloat16", monkeypatch)
    engines.drawn(engine, [engines.job("rivers", n=4)])
    captured = engine.running.batch.captured
    engine.close()
    assert captured is not None
    assert captured.sizes, captured.broken


def test_two_workers_share_one_device(tmp_path: Path) -> None:
    """In processes of their own, as workers are, at the same time: both say the same."""
    folder = engines.saved(tmp_path)
    command = [sys.executable, "-m", "tests.gpu.one_worker", folder, engines.DEVICE]
    workers = [subprocess.Popen(command, cwd=BASE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = []
    for worker in workers:
        try:
            said.append(worker.communicate(timeout=100)[0].splitlines()[-1])
        finally:
            worker.kill()
    texts = [json.loads(line) for line in said]
    assert texts[0] == texts[1]
    assert len(texts[0]) == len(engines.PROMPTS)
