"""A server of `openai_server.py`, and the engine on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sampler.engines import _patience, openai
from sampler.engines.base import Spec
from tests.sampler.openai_server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(_patience, "PAUSES", (0.01, 0.02))
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def engine(server: Server) -> Iterator[openai.OpenAIEngine]:
    made = openai.ENGINE.load(Spec("remote", location=server.url))
    yield made
    made.close()
