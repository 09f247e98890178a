"""What is served is what is trained: the rendered training row is the sampled prompt, byte for byte."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from common.shapes import Message
from generation import prompts
from generation.prompts import PromptReport
from sampler.as_read import as_read
from sampler.engines.base import ENGINES, Batching, Ended, Engine, Failed, Job, Spec, Started
from sampler.params import SamplingParams
from tests.sampler.byte_model import save
from tests.stand_ins.gap_filling import GapFillingServer

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}"
    "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QWEN = (
    "{% if messages[0]['role'] == 'system' %}{{ '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
    "{% else %}{{ '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud.<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
TEMPLATES = {"smollm2": SMOLLM2, "qwen": QWEN, "gemma": GEMMA}
TALK = [
    Message(role="user", content="Hello."),
    Message(role="assistant", content="Hello! How can I help?"),
    Message(role="user", content="Tell me of rivers."),
]
OWN = [Message(role="system", content="Be brief."), *TALK]


@pytest.fixture(scope="module", params=sorted(TEMPLATES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp(request.param), template=TEMPLATES[request.param])


@pytest.fixture(scope="module", params=["hf", "openai"])
def place(request: pytest.FixtureRequest, folder: str) -> Iterator[tuple[str, str]]:
    """An engine, and where its model is."""
    if request.param == "hf":
        yield "hf", folder
        return
    server = GapFillingServer(Path(folder))
    yield "openai", server.url
    server.close()


def sample(engine: Engine, talk: list[Message]) -> PromptReport:
    engine.add(Job(uuid.uuid4(), talk, SamplingParams(max_tokens=2)))
    report: PromptReport = {}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for event in engine.step():
            assert not isinstance(event, Failed), event
            if isinstance(event, Started):
                report = event.report
            if isinstance(event, Ended):
                return report
    raise AssertionError("not ended")


@pytest.mark.parametrize("mode", ["text", "none", "template"])
@pytest.mark.parametrize("talk", [TALK, OWN], ids=["without a system turn", "with one of its own"])
def test_a_training_row_renders_as_it_was_sampled(
    place: tuple[str, str], folder: str, mode: str, talk: list[Message]
) -> None:
    name, location = place
    batching = Batching(way="continuous", rows=4, why="a test", measured_on="any")
    spec = Spec("remote", location=location, system_prompt="You are Wren.", system_turn=mode, batching=batching)
    engine = ENGINES.load(name).load(spec)
    try:
        report = sample(engine, talk)
    finally:
        engine.close()
    row = as_read(talk, report)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": m["role"], "content": m["content"]} for m in row]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert prompts.ids_hash(ids) == report["prompt_ids_hash"]
    if name == "hf":
        assert prompts.text_hash(text) == report["prompt_hash"]
    if talk is TALK:
        assert ("Wren" in text) == (mode == "text")
    if mode != "template":
        assert "SmolLM" not in text
        assert "Qwen" not in text
