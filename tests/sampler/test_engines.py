"""Every engine of the folder holds the contract (`contract.py`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sampler.engines.base import ENGINES, Engine, Spec
from tests.sampler.contract import EngineContract
from tests.workers import free_port


@pytest.fixture(scope="session")
def server(smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenAI-compatible server with the real model: `transformers serve`."""
    port = free_port()
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(smollm2_path), "--device", "cpu"]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
    with log.open("w") as out:
        child = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=out, stderr=out, env=environment
        )
        try:
            until = time.monotonic() + 90
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health", timeout=2)
                    break
                except httpx.TransportError:
                    assert child.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=[pytest.mark.model] if n != "fake" else []) for n in ENGINES.choices()],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine in turn, loaded once."""
    name: str = request.param
    spec = Spec(slug="contract", context_limit=512)
    if name == "fake":
        spec = replace(spec, location="delay=0.002&tokens=400")
    elif name == "hf":
        spec = replace(
            spec, location=str(request.getfixturevalue("smollm2_path")),
            batching={"way": "continuous", "rows": 16, "why": "a test", "measured_on": "any"},
        )  # fmt: skip
    elif name == "openai":
        path = request.getfixturevalue("smollm2_path")
        spec = replace(spec, location=request.getfixturevalue("server"), remote_name=str(path))
    else:
        pytest.fail(f"Say here how the contract test loads {name!r}: a folder's file is an engine.")
    made = ENGINES.load(name).load(spec)
    yield made
    made.close()


class TestEachEngine(EngineContract):
    """The contract's own tests, once for each."""
