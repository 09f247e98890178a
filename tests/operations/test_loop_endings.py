"""Answers of the loop end by themselves: what was cut by a limit says nothing of how good it is, and is left out."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from operations.loop.run import Settings
from operations.loop.topics import DRAWN, TOPICS, prompts_of
from sampler.engines import hf
from sampler.engines.base import Batching, Ended, Job, Spec
from sampler.params import SamplingParams
from tests.sampler.conftest import smollm2_path as smollm2_path  # a fixture

SHARE = 0.8


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(600)
def test_four_of_five_answers_end_by_themselves(smollm2_path: Path) -> None:
    known: Batching = {"way": "continuous", "rows": 32, "why": "a test", "measured_on": "any"}
    engine = hf.ENGINE.load(Spec("smollm2", str(smollm2_path), batching=known))
    prompts = [prompt for topic in TOPICS[:4] for prompt in prompts_of(topic, 3)]
    for number, prompt in enumerate(prompts):
        params = SamplingParams.from_dict({**DRAWN, "n": 4, "max_tokens": Settings.max_tokens, "seed": number})
        engine.add(Job(uuid.uuid4(), prompt, params))
    reasons: list[str] = []
    while len(reasons) < 4 * len(prompts):
        for event in engine.step():
            if isinstance(event, Ended):
                reasons += [one.finish_reason for one in event.drawn]
    engine.close()
    assert reasons.count("stop") >= SHARE * len(reasons)
