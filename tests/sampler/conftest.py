"""A worker in threads of the test's own process, and the real model."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import pytest
from django.conf import settings

from sampler import registry, sampling, streams
from sampler.models import ModelVersion, SampleRequest
from sampler.worker import Worker


class RequestFields(TypedDict, total=False):
    n: int
    params: Mapping[str, object]
    purpose: str
    priority: int
    writes: str


@contextlib.contextmanager
def serving(*slugs: str, memory_limit: int | None = None) -> Iterator[Worker]:
    """A worker that runs while the block does, and is drained at its end."""
    worker = Worker(slugs=slugs, memory_limit=memory_limit)
    thread = threading.Thread(target=worker.run, name="worker under test")
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(90)
        assert not thread.is_alive()


def make_version(
    slug: str = "fake", location: str = "", *, default_params: Mapping[str, object] | None = None
) -> ModelVersion:
    return registry.register_model(slug=slug, engine="fake", location=location, default_params=default_params)[0]


def ask(version: ModelVersion, text: str = "Hello", **fields: Unpack[RequestFields]) -> SampleRequest:
    return sampling.request_completions(model_version=version, prompt=[{"role": "user", "content": text}], **fields)


def ended(request: SampleRequest, *, timeout: float = 90.0) -> SampleRequest:
    """The row, once it has ended."""
    streams.wait(request.pk, timeout=timeout)
    request.refresh_from_db()
    return request


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model with random weights, which reads and writes bytes."""
    from tests.sampler.byte_model import save  # torch, which most tests here do without

    return save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hf engine computes on the CPU in full precision, so that texts can be compared."""
    monkeypatch.setenv("SAMPLER_DTYPE", "float32")
    monkeypatch.setenv("SAMPLER_DEVICE", "cpu")


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The real model, unpacked once under the var folder, as bin/start does it."""
    from launcher import model

    return model.ensure(settings.VAR_DIR)
