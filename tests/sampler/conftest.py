"""A worker in threads of the test's own process, and the real model."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from sampler import sampling, streams
from sampler.models import ModelVersion, SampleRequest
from sampler.worker import Worker

HELLO = [{"role": "user", "content": "Say hello to the reader."}]


@contextlib.contextmanager
def serving(*slugs: str, **options) -> Iterator[Worker]:
    """A worker that runs while the block does, and is drained at its end."""
    worker = Worker(slugs=slugs, **options)
    thread = threading.Thread(target=worker.run, name="worker under test")
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def make_version(slug: str = "fake", location: str = "", **fields) -> ModelVersion:
    fields = {"engine": "fake", "location": location} | fields
    return sampling.register_model(slug=slug, **fields)[0]


def ask(version: ModelVersion, text: str = "Hello", **fields) -> SampleRequest:
    return sampling.request_completions(model_version=version, prompt=[{"role": "user", "content": text}], **fields)


def ended(request: SampleRequest, *, timeout: float = 30.0) -> SampleRequest:
    """The row, once it has ended."""
    streams.wait(request.pk, timeout=timeout)
    request.refresh_from_db()
    return request


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The real model, unpacked once under the var folder, as bin/start does it."""
    from launcher import model

    return model.ensure(settings.VAR_DIR)
