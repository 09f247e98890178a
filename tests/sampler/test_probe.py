"""What is found out of a server by asking it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.engines._probe import probe
from tests.generation import tiny
from tests.stand_ins.gap_filling import GapFillingServer
from tests.stand_ins.model_server import ModelServer


@pytest.fixture(params=["vllm", "sglang", "openai"])
def server(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    made = ModelServer(request.param)
    yield made
    made.close()


def test_a_server_is_recognised_and_asked_what_it_can(server: ModelServer) -> None:
    found = probe(base=server.url, model="remote")
    assert found["dialect"] == server.dialect
    assert found["models"] == ["remote"]
    assert found["context"] == 4096
    assert found["seeds"]
    assert not found["greedy"]
    assert found["logprobs"]
    assert found["prompt_tokens"] == (server.dialect != "openai")
    assert found["refused"] == []
    assert "trouble" not in found
    assert found["asked_at"]


def test_parameters_that_are_taken_and_change_nothing_are_found(server: ModelServer) -> None:
    """The stand-in draws its words without looking at top_k."""
    ignored = probe(base=server.url, model="remote").get("ignored", [])
    assert ignored == (["top_k"] if server.dialect != "openai" else [])


def test_what_is_refused_is_found_and_done_without(server: ModelServer) -> None:
    server.misbehave("logprobs-refused")
    found = probe(base=server.url, model="remote")
    assert found["refused"] == ["logprobs"]
    assert not found["logprobs"]
    server.misbehave("max-tokens-refused")
    assert probe(base=server.url, model="remote")["limit"] == "max_completion_tokens"


def test_a_parameter_that_shapes_the_draw_is_not_done_without() -> None:
    server = ModelServer("vllm")
    server.misbehave("top-k-refused")
    found = probe(base=server.url, model="remote")
    server.close()
    assert found["refused"] == ["top_k"]
    assert "top_k" in found["trouble"]


def test_a_server_that_is_away_is_trouble_and_no_error() -> None:
    server = ModelServer("vllm")
    server.close()
    found = probe(base=server.url, model="remote")
    assert "does not answer" in found["trouble"]
    assert "dialect" not in found


@pytest.mark.parametrize("name", ["html-instead-of-a-stream", "not-json", "empty-200", "internal-error", "key-refused"])
def test_a_server_that_answers_strangely_is_trouble_or_less_known(name: str) -> None:
    server = ModelServer("vllm")
    server.misbehave(name)
    found = probe(base=server.url, model="remote")
    server.close()
    assert found["dialect"] == "vllm"
    assert found.get("trouble") or found["greedy"]


def test_a_server_with_a_model_honours_what_is_sent(tmp_path: Path) -> None:
    folder = tiny.make_tiny_model(tmp_path)
    (folder / "generation_config.json").write_text('{"top_k": 1, "do_sample": true, "eos_token_id": 3}')
    server = GapFillingServer(folder)
    found = probe(base=server.url, model="remote")
    server.close()
    assert found["dialect"] == "vllm"
    assert not found["greedy"], "top_k is sent as off, so that the model's own is not filled in"
    assert found["ignored"] == []
    assert found["seeds"]
    assert found["several"]
    assert found["prompt_tokens"]
