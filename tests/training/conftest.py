"""A tiny base and an export folder made by a known rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from tests.generation.tiny import make_tiny_model
from tests.training.exports import make_export
from training import accelerated


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small is only slowed down by a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "export")


@pytest.fixture(autouse=True)
def _all_bits() -> Iterator[None]:
    """Figures are compared to more digits than 16 bits have, on every CPU.

    accelerate keeps one precision for a process: each test begins and leaves it anew, since some take another.
    """
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accelerated, "has_bfloat16", lambda: False)
        yield
    AcceleratorState._reset_state(reset_partial_state=True)
