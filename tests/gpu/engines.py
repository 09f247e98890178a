"""Engines for the tests of this folder, and what they say.

GPU_TESTS_ON=cpu lets the tests run on a CPU, to try the tests themselves.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import pytest
import torch

from benchmarks import made_models
from common.shapes import Message
from sampler.engines import hf
from sampler.engines.base import Batching, Delta, Ended, Failed, Job, Spec
from sampler.engines.hf import HfEngine
from sampler.params import Drawn, SamplingParams
from tests.sampler.fields import ParamFields

DEVICE = os.environ.get("GPU_TESTS_ON", "cuda")
on_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="torch sees no GPU here"),
    pytest.mark.timeout(120),
]
PROMPTS = [
    "Tell me of rivers.", "a", "What is this, and why?", "rivers and mills " * 20, "Name three colours.", "x" * 90,
    "Why do cats purr?", "Bread.",
]  # fmt: skip


def saved(folder: Path, shape: str = "tiny") -> str:
    """A model of that shape."""
    return made_models.save(folder, shape)


def load(
    folder: str,
    dtype: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    rows: int = 16,
    limit: int = 0,
    decoding: str = "captured",
) -> HfEngine:
    """The engine, with a batching that is not measured."""
    monkeypatch.setenv("SAMPLER_DTYPE", dtype)
    monkeypatch.setenv("SAMPLER_DEVICE", DEVICE)
    batching: Batching = {"way": "continuous", "rows": rows, "why": "a test", "measured_on": "any"}
    batching["decoding"] = decoding
    return hf.ENGINE.load(Spec("gpu-test", folder, batching=batching, context_limit=limit or None))


def job(text: str, *, interactive: bool = False, **params: Unpack[ParamFields]) -> Job:
    wanted: ParamFields = {"max_tokens": 24, **params}
    return Job(uuid.uuid4(), [Message(role="user", content=text)], SamplingParams(**wanted), interactive=interactive)


def drawn(engine: HfEngine, jobs: Sequence[Job], *, seconds: float = 100) -> list[tuple[Drawn, ...]]:
    """What each job ended with; fails where one failed."""
    for one in jobs:
        engine.add(one)
    found: dict[uuid.UUID, tuple[Drawn, ...]] = {}
    until = time.monotonic() + seconds
    while len(found) < len(jobs):
        assert time.monotonic() < until, f"{len(found)} of {len(jobs)} ended"
        for event in engine.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Ended):
                found[event.job_id] = event.drawn
    return [found[one.id] for one in jobs]


def first_token(engine: HfEngine, one: Job) -> tuple[float, int]:
    """Seconds and steps until an interactive job shows text; runs it to its end."""
    began = time.monotonic()
    engine.add(one)
    seconds, steps = 0.0, 0
    while True:
        events = engine.step()
        steps += not seconds
        if not seconds and any(isinstance(event, Delta) and event.job_id == one.id for event in events):
            seconds = time.monotonic() - began
        if any(isinstance(event, Ended | Failed) and event.job_id == one.id for event in events):
            return seconds, steps


@torch.inference_mode()
def generated(engine: HfEngine, text: str, tokens: int) -> tuple[list[str], list[float]]:
    """What `generate` says greedily: the text after each token, and how far the best token was ahead of the next."""
    model: Any = engine.loaded.model
    ids = engine.chat.render([Message(role="user", content=text)], max_tokens=tokens).ids
    out = model.generate(
        torch.tensor([ids], device=model.device), attention_mask=torch.ones(1, len(ids), device=model.device).long(),
        max_new_tokens=tokens, do_sample=False, output_logits=True, return_dict_in_generate=True,
        pad_token_id=engine.loaded.tokenizer.pad_token_id,
    )  # fmt: skip
    best = [step[0].float().topk(2).values for step in out.logits]
    said = out.sequences[0, len(ids) :].tolist()
    texts = [engine.loaded.decode(said[: end + 1]) for end in range(len(said))]
    return texts, [float(two[0] - two[1]) for two in best]


def parting(text: str, texts: Sequence[str], ahead: Sequence[float]) -> float | None:
    """None where both said the same; else how far the best token was ahead of the next where they parted."""
    if text == texts[-1]:
        return None
    return next(gap for so_far, gap in zip(texts, ahead, strict=True) if not text.startswith(so_far))
