"""Loading a model into the hf engine: what is refused, what it is known by, and how its batching is settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.checkpoints import CannotLoad
from sampler.engines import _measure, hf
from sampler.engines.base import Batching, Spec
from tests.sampler.byte_model import save

pytestmark = pytest.mark.usefixtures("exact")
KNOWN: Batching = {"way": "continuous", "rows": 16, "why": "a test", "measured_on": "any"}


@pytest.mark.parametrize(("location", "reason"), [("/nowhere/at/all", "no /nowhere"), ("", "no weights")])
def test_what_cannot_be_loaded_says_why(tmp_path: Path, location: str, reason: str) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(CannotLoad, match=reason):
        hf.ENGINE.load(Spec("x", location or str(tmp_path)))


@pytest.mark.parametrize("wanted", ["auto", "cuda:0,cuda:1", "no-such-device"])
def test_a_model_is_not_split_over_devices(folder: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others call device_map is what a model server is for, and the error says so."""
    monkeypatch.setenv("SAMPLER_DEVICE", wanted)
    with pytest.raises(CannotLoad, match="it takes cuda" if wanted.startswith("no") else "vLLM .*docs/gpu.md"):
        hf.ENGINE.load(Spec("tiny", folder, batching=KNOWN))


def test_the_same_checkpoint_has_the_same_hash_everywhere_and_another_has_another(folder: str, tmp_path: Path) -> None:
    first = hf.ENGINE.load(Spec("tiny", folder, batching=KNOWN)).provenance()["weights_hash"]
    assert first == hf.ENGINE.load(Spec("tiny", folder, batching=KNOWN)).provenance()["weights_hash"]
    assert len(first) == 64
    assert first != hf.ENGINE.load(Spec("tiny", save(tmp_path, seed=4), batching=KNOWN)).provenance()["weights_hash"]


def test_batching_is_measured_once_and_taken_over_by_the_next_load(folder: str) -> None:
    engine = hf.ENGINE.load(Spec("tiny", folder))
    found = engine.batching()
    assert found["way"] in {"continuous", "static"}
    assert found["why"]
    if "measured_on" in found:  # a machine too busy to be measured says so instead
        again = hf.ENGINE.load(Spec("tiny", folder, batching=found))
        assert again.batching() == found


def test_the_choice_of_batching_follows_the_figures() -> None:
    assert _measure.choose_rows({8: 0.1, 16: 0.11, 32: 0.12, 64: 0.9})[0] == 32  # 64 rows are too slow to read
    assert _measure.choose_rows({8: 0.1, 16: 0.2, 32: 0.4})[0] == 8  # more rows bring nothing
    assert _measure.choose_way({"continuous": 100.0, "static": 105.0})[0] == "continuous"
    assert _measure.choose_way({"continuous": 100.0, "static": 140.0})[0] == "static"
