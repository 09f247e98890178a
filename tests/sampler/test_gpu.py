"""The hf engine on a GPU: skipped where torch sees none. Needs torch, transformers and what the repository carries."""

from __future__ import annotations

import importlib.util
import time
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from common.shapes import Message
from sampler.engines import hf
from sampler.engines.base import Batching, Ended, Failed, Job, Spec
from sampler.engines.hf import HfEngine
from sampler.params import SamplingParams
from tests.sampler.byte_model import save

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here"),
    pytest.mark.timeout(600),
]
TALK = [Message(role="user", content="Tell me of rivers.")]
LONG = [Message(role="user", content="rivers and mills " * 40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=["float32", "bfloat16"])
def engine(request: pytest.FixtureRequest, folder: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HfEngine]:
    monkeypatch.setenv("SAMPLER_DTYPE", request.param)
    made = load(folder)
    yield made
    made.close()


def load(folder: str, rows: int = 16) -> HfEngine:
    batching: Batching = {"way": "continuous", "rows": rows, "why": "a test", "measured_on": "any"}
    return hf.ENGINE.load(Spec("tiny", folder, batching=batching))


def texts(engine: HfEngine, *jobs: Job) -> list[list[str]]:
    for job in jobs:
        engine.add(job)
    found: dict[uuid.UUID, list[str]] = {}
    until = time.monotonic() + 120
    while len(found) < len(jobs):
        assert time.monotonic() < until
        for event in engine.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Ended):
                found[event.job_id] = [drawn.text for drawn in event.drawn]
    return [found[job.id] for job in jobs]


def job(talk: list[Message] = TALK, n: int = 1, **values: object) -> Job:
    return Job(uuid.uuid4(), talk, SamplingParams.from_dict({"max_tokens": 24, "n": n, **values}))


def test_it_runs_on_the_gpu_and_says_so(engine: HfEngine) -> None:
    assert engine.provenance()["device"].startswith("cuda")
    assert texts(engine, job(n=3, seed=1))[0]


def test_greedy_text_is_that_of_generate(engine: HfEngine) -> None:
    """Alone in the batch: in 16 bits the size of a batch can change the last digit of a logit."""
    tokenizer: Any = engine.loaded.tokenizer
    model: Any = engine.loaded.model
    prompt = engine.chat.render(TALK, max_tokens=24)
    with torch.inference_mode():
        ids = torch.tensor([prompt.ids], device=model.device)
        out = model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    expected = tokenizer.decode(out[0, len(prompt.ids) :].tolist(), skip_special_tokens=True)
    assert texts(engine, job(temperature=0)) == [[expected]]


def test_rows_that_join_and_leave_do_not_change_a_neighbour(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLER_DTYPE", "float32")
    engine = load(folder)
    alone = [texts(engine, job(talk, temperature=0))[0] for talk in (TALK, LONG)]
    together = texts(engine, *(job(talk, temperature=0) for talk in (TALK, LONG, TALK, LONG)))
    engine.close()
    assert together == [*alone, *alone]


def test_out_of_memory_for_real_halves_the_batch_and_loses_nothing(folder: str) -> None:
    engine = load(folder, rows=64)
    free = torch.cuda.mem_get_info()[0]
    held = torch.empty(int(free * 0.98), dtype=torch.uint8, device="cuda")
    try:
        asked = [job(LONG, n=8, max_tokens=400, seed=i) for i in range(8)]
        for one in asked:
            engine.add(one)
        ended = 0
        until = time.monotonic() + 240
        while ended < len(asked):
            assert time.monotonic() < until
            ended += sum(isinstance(event, Ended | Failed) for event in engine.step())
    finally:
        del held
        engine.close()
        torch.cuda.empty_cache()


def test_two_workers_share_one_device(folder: str) -> None:
    one, other = load(folder), load(folder)
    try:
        assert texts(one, job(temperature=0)) == texts(other, job(temperature=0))
    finally:
        one.close()
        other.close()


@pytest.mark.model
def test_it_is_not_slower_than_bare_transformers(smollm2_path: Path) -> None:
    """8 prompts x 4 x 64 tokens: at least 1.1 of `generate(num_return_sequences=4)`, one prompt after another."""
    engine = load(str(smollm2_path), rows=32)
    model: Any = engine.loaded.model
    talks = [[Message(role="user", content=f"Tell me of the number {i}.")] for i in range(8)]

    def ours() -> float:
        began = time.monotonic()
        texts(engine, *(job(talk, n=4, max_tokens=64, seed=i) for i, talk in enumerate(talks)))
        return time.monotonic() - began

    def bare() -> float:
        began = time.monotonic()
        for talk in talks:
            ids = torch.tensor([engine.chat.render(talk, max_tokens=64).ids], device=model.device)
            with torch.inference_mode():
                model.generate(ids, max_new_tokens=64, do_sample=True, num_return_sequences=4, pad_token_id=0)
        torch.cuda.synchronize()
        return time.monotonic() - began

    ours(), bare()
    ratios = sorted(bare() / ours() for _ in range(5))
    engine.close()
    assert ratios[2] >= 1.1


@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed here")
def test_vllm_draws_greedy_text_as_the_hf_engine_does(smollm2_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLER_DTYPE", "bfloat16")
    engine = load(str(smollm2_path))
    ours = texts(engine, job(temperature=0, max_tokens=16))[0][0]
    rendered = engine.chat.render(TALK, max_tokens=16)
    engine.close()
    library: Any = import_module("vllm")
    served = library.LLM(str(smollm2_path), dtype="bfloat16", generation_config="vllm", gpu_memory_utilization=0.5)
    params = library.SamplingParams(temperature=0, max_tokens=16)
    (out,) = served.generate([{"prompt_token_ids": rendered.ids}], params)
    assert out.outputs[0].text == ours
