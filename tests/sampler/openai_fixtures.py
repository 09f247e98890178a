"""A server of `asking.py`, and the engine on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sampler.engines import _patience, openai
from sampler.engines.base import Spec
from tests.sampler.asking import plain_server
from tests.stand_ins.model_server import ModelServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setattr(_patience, "PAUSES", (0.01, 0.02))
    made = plain_server()
    yield made
    made.close()


@pytest.fixture
def engine(server: ModelServer) -> Iterator[openai.OpenAIEngine]:
    made = openai.ENGINE.load(Spec("remote", location=server.url))
    yield made
    made.close()
