"""Decoding steps captured as CUDA graphs: launched as one piece, without Python between their kernels.

A small model's step on a GPU is as long as Python takes to launch its kernels, several times what the device needs.
A captured step is good for one size: so many rows and columns of the same buffers, both rounded up. Rows beyond those
of the batch calculate something that nobody reads. On a CPU nothing is captured and the same code runs as it stands,
for tests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

logger = logging.getLogger(__name__)
BLOCK = 256  # columns are rounded up to so many
OFTEN = 3  # a size is captured when it is met so many times: capturing takes as long as several steps
MOST = 64  # sizes that are kept


@dataclass
class Seen:
    """What a step sees of the buffers: all of it tensors at fixed places."""

    rows: int
    columns: int
    starts: torch.Tensor  # [rows] first column of each
    column: torch.Tensor  # [1] the newest one
    numbers: torch.Tensor  # [columns] 0, 1, 2, …
    tokens: torch.Tensor  # [rows] that go in


class Batch(Protocol):
    """Of `batch.py`, as far as its steps are captured."""

    device: torch.device
    size: int
    column: int
    left: int
    starts: list[int]
    changes: int

    def forward_seen(self, tokens: torch.Tensor, seen: Seen) -> torch.Tensor: ...

    def buffer_shape(self) -> tuple[int, int]: ...


@dataclass
class _Captured:
    seen: Seen
    replay: Callable[[], object]
    logits: torch.Tensor
    changes: int = -1  # of the batch, when its rows' places were last written


class CapturedSteps:
    def __init__(self) -> None:
        self._steps: dict[tuple[int, int], _Captured] = {}
        self._met: dict[tuple[int, int], int] = {}
        self._first: torch.cuda.CUDAGraph | None = None  # the others share its memory
        self.broken = ""  # why this model cannot be captured

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Rows and columns of the steps that are captured."""
        return list(self._steps)

    def forget(self) -> None:
        """The buffers are no longer those that were captured."""
        self._steps.clear()
        self._met.clear()
        self._first = None

    def step(self, batch: Batch, tokens: torch.Tensor) -> torch.Tensor | None:
        """The logits of one step, if it is captured; None where the plain way has to do."""
        if self.broken:
            return None
        key = _size(batch)
        captured = self._steps.get(key)
        if captured is None:
            self._met[key] = self._met.get(key, 0) + 1
            if self._met[key] < OFTEN or len(self._steps) >= MOST:
                return None
            captured = self._capture(batch, key)
            if captured is None:
                return None
            self._steps[key] = captured
        seen = captured.seen
        seen.tokens[: batch.size].copy_(tokens)
        seen.column.fill_(batch.column)
        if captured.changes != batch.changes:
            # Rows that nobody reads stay in places that every model knows.
            starts = [*batch.starts, *([batch.left] * (seen.rows - batch.size))]
            seen.starts.copy_(torch.tensor(starts))
            captured.changes = batch.changes
        captured.replay()
        return captured.logits[: batch.size]

    def _capture(self, batch: Batch, key: tuple[int, int]) -> _Captured | None:
        rows, columns = key
        device = batch.device
        seen = Seen(
            rows, columns, torch.full((rows,), batch.left, device=device),
            torch.full((1,), batch.column, device=device), torch.arange(columns, device=device),
            torch.zeros(rows, dtype=torch.long, device=device),
        )  # fmt: skip
        if device.type != "cuda":
            step = _Captured(seen, lambda: None, torch.empty(0))

            def run() -> None:
                step.logits = batch.forward_seen(seen.tokens, seen)

            step.replay = run
            return step
        try:
            return self._capture_graph(batch, seen)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.broken = (str(error).splitlines() or ["RuntimeError"])[0]
            logger.warning("the decoding step cannot be captured: %s", self.broken)
            self.forget()
            return None

    def _capture_graph(self, batch: Batch, seen: Seen) -> _Captured:
        for _ in range(2):  # libraries set themselves up in the first passes
            batch.forward_seen(seen.tokens, seen)
        torch.cuda.synchronize(batch.device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=None if self._first is None else self._first.pool()):
            logits = batch.forward_seen(seen.tokens, seen)
        self._first = self._first or graph
        return _Captured(seen, graph.replay, logits)


def _size(batch: Batch) -> tuple[int, int]:
    """Rows and columns of the step, rounded up as far as the buffers go."""
    rows, columns = batch.buffer_shape()
    step = 1 if batch.size <= 2 else 4 if batch.size <= 16 else 16 if batch.size <= 64 else 64
    return min(-(-batch.size // step) * step, rows), min(-(-(batch.column + 1) // BLOCK) * BLOCK, columns)
