"""What is sampled is what was asked for: one-token samples against the model's own softmax, engine by engine.

The model ships `top_k: 1` in its generation_config.json, which a server fills in where a request leaves it out.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from scipy import stats
from transformers import AutoModelForCausalLM, AutoTokenizer

from common.shapes import Message
from sampler.engines.base import ENGINES, Batching, Ended, Engine, Failed, Job, Spec
from sampler.params import SamplingParams
from tests.generation import tiny
from tests.stand_ins.gap_filling import GapFillingServer, shaped

SAMPLES, AT_ONCE = 4000, 50
TALK = [Message(role="user", content="amber basalt cedar delta")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.make_tiny_model(tmp_path_factory.mktemp("tiny"))
    (made / "generation_config.json").write_text(json.dumps({"top_k": 1, "do_sample": True, "eos_token_id": 3}))
    return made


def expected(folder: Path, **values: float) -> dict[str, float]:
    """Probability of each text, by the model's own softmax and the parameters."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": "system", "content": ""}, *({"role": m["role"], "content": m["content"]} for m in TALK)]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0, -1].double()
    off = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0,
           "presence_penalty": 0.0, "frequency_penalty": 0.0}  # fmt: skip
    chances: Counter[str] = Counter()
    for token, chance in enumerate(shaped(logits, off | values, seen=ids, said=[]).tolist()):
        chances[str(tokenizer.decode([token], skip_special_tokens=True)).strip()] += chance
    return dict(chances)


def drawn(engine: Engine, values: Mapping[str, float], talk: Sequence[Message] = TALK) -> Counter[str]:
    """One-token samples, in several requests that run side by side."""
    jobs = [
        Job(uuid.uuid4(), talk, SamplingParams.from_dict({"n": AT_ONCE, "max_tokens": 1, "seed": 1000 * i, **values}))
        for i in range(SAMPLES // AT_ONCE)
    ]
    for job in jobs:
        engine.add(job)
    found: Counter[str] = Counter()
    left = len(jobs)
    while left:
        for event in engine.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Ended):
                left -= 1
                found.update(one.text.strip() for one in event.drawn)
    return found


def p_value(found: Counter[str], chances: dict[str, float]) -> float:
    """Of a chi-square test; texts that are expected fewer than five times are taken together."""
    total = sum(found.values())
    assert set(found) <= {text for text, chance in chances.items() if chance > 0}, "drawn what cannot be drawn"
    common = [text for text, chance in chances.items() if chance * total >= 5]
    seen = [float(found[text]) for text in common]
    due = [chances[text] * total for text in common]
    if sum(due) < total - 1e-6:
        seen.append(total - sum(seen))
        due.append(total - sum(due))
    if len(due) == 1:
        return 1.0
    return float(stats.chisquare(seen, np.array(due) * (sum(seen) / sum(due))).pvalue)


SHAPES: list[dict[str, float]] = [
    {}, {"temperature": 0.6, "top_k": 8}, {"top_p": 0.7}, {"min_p": 0.8}, {"repetition_penalty": 1.8},
    {"temperature": 1.4, "repetition_penalty": 0.7, "top_k": 6},
]  # fmt: skip


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[GapFillingServer]:
    made = GapFillingServer(folder)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["hf", "openai"])
def engine(request: pytest.FixtureRequest, folder: Path, server: GapFillingServer) -> Iterator[Engine]:
    batching = Batching(way="continuous", rows=64, why="a test", measured_on="any")
    location = server.url if request.param == "openai" else str(folder)
    made = ENGINES.load(request.param).load(Spec("remote", location=location, batching=batching))
    yield made
    made.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("values", SHAPES, ids=str)
def test_samples_come_from_the_models_own_softmax(engine: Engine, folder: Path, values: dict[str, float]) -> None:
    assert p_value(drawn(engine, values), expected(folder, **values)) > 0.01


def test_the_stand_in_fills_gaps_and_the_test_would_see_it(folder: Path, server: GapFillingServer) -> None:
    """The request that was sent before: temperature and top_p, and nothing of top_k."""
    texts: Counter[str] = Counter()
    turns = [{"role": "system", "content": ""}, *TALK]
    body = {
        "model": "remote",
        "messages": turns,
        "temperature": 1,
        "top_p": 1,
        "max_tokens": 1,
        "n": 50,
        "stream": True,
    }
    answer = httpx.post(f"{server.url}/chat/completions", json=body)
    for line in answer.text.splitlines():
        if line.startswith("data: {"):
            texts.update(c["delta"]["content"].strip() for c in json.loads(line[6:])["choices"])
    assert len(texts) == 1
    assert p_value(texts, expected(folder)) < 0.01
