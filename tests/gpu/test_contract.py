"""The hf engine on a GPU holds the contract that every engine holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sampler.engines.hf import HfEngine
from tests.gpu import engines
from tests.sampler.contract import EngineContract

pytestmark = engines.on_gpu


@pytest.fixture(scope="module", params=["bfloat16-captured", "float32-plain"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HfEngine]:
    with pytest.MonkeyPatch.context() as patch:
        folder = engines.saved(tmp_path_factory.mktemp("tiny"))
        dtype, decoding = str(request.param).split("-")
        made = engines.load(folder, dtype, patch, limit=512, decoding=decoding)
        yield made
        made.close()


class TestHfOnTheGpu(EngineContract):
    def test_it_is_on_the_device_and_says_so(self, engine: HfEngine) -> None:
        assert engine.provenance()["device"].startswith(engines.DEVICE)
        assert engine.loaded.model.device.type == engines.DEVICE
