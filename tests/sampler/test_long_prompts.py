"""A long prompt is read in pieces: it can be stopped between two of them, and holds up nobody else."""

from __future__ import annotations

import pytest
import torch

from generation.batch import PromptCache, RollingBatch
from sampler.engines import hf
from sampler.engines.base import Delta, Ended
from tests.sampler.test_hf import job, load, run

pytestmark = pytest.mark.usefixtures("exact")


def test_a_long_prompt_is_stopped_between_two_pieces_of_it(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf, "CHUNK", 16)
    engine, long = load(folder), job("x" * 200, interactive=True)
    pieces: list[int] = []
    read = RollingBatch.prefill

    def counted(self: RollingBatch, ids: list[int], past: PromptCache | None) -> tuple[torch.Tensor, PromptCache]:
        pieces.append(len(ids))
        if len(pieces) == 2:
            engine.cancel(long.id)
        return read(self, ids, past)

    monkeypatch.setattr(RollingBatch, "prefill", counted)
    events = run(engine, [long])
    (end,) = [event for event in events if isinstance(event, Ended)]
    assert end.cancelled
    assert end.drawn[0].text == ""
    assert len(pieces) == 2, "the rest is not read"


def test_a_long_prompt_holds_up_neither_a_short_one_nor_a_text_that_is_being_written(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf, "CHUNK", 16)
    engine, long, short = load(folder), job("x" * 200, interactive=True), job("a", interactive=True, max_tokens=3)
    pieces: list[int] = []
    read = RollingBatch.prefill

    def counted(self: RollingBatch, ids: list[int], past: PromptCache | None) -> tuple[torch.Tensor, PromptCache]:
        pieces.append(len(ids))
        if len(pieces) == 2:
            engine.add(short)
        return read(self, ids, past)

    monkeypatch.setattr(RollingBatch, "prefill", counted)
    events = run(engine, [long])
    ended = [event.job_id for event in events if isinstance(event, Ended)]
    assert ended == [short.id, long.id]
    said = [event.job_id for event in events if isinstance(event, Delta)]
    assert said.index(long.id) > max(at for at, one in enumerate(said) if one == short.id)
