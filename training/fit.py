"""The loop that reward models and fine-tuned policies share: AdamW, a short warm-up, a linear decline.

What a batch means and how it is scored is the caller's (`loss_of`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

import torch

from generation.types import Model

Item = TypeVar("Item")
LAST_RATE = 0.05  # share of the learning rate that is left at the last step
TELL_EVERY = 2.0  # seconds


def fit(
    model: Model,
    data: Sequence[Item],
    loss_of: Callable[[Sequence[Item]], torch.Tensor],
    *,
    steps: int,
    size: int,
    learning_rate: float,
    rng: Random,
    tell: Callable[[str], None],
) -> list[float]:
    """Train for `steps` batches of `size` items; the loss of each step. Frozen parameters stay as they are."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.0)
    warmup = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, max(LAST_RATE, (steps - step) / max(1, steps - warmup)))
    )
    batches = _batches(data, size, rng)
    losses: list[float] = []
    told = time.monotonic()
    model.train()
    for step in range(1, steps + 1):
        loss = loss_of(next(batches))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if time.monotonic() - told >= TELL_EVERY or step == steps:
            told = time.monotonic()
            tell(f"step {step} of {steps}, loss {losses[-1]:.3f}")
    model.eval()
    return losses


def _batches(data: Sequence[Item], size: int, rng: Random) -> Iterator[list[Item]]:
    """Every item once before any comes again, in a new order each time."""
    waiting: list[Item] = []
    while True:
        while len(waiting) < size:
            waiting += rng.sample(data, len(data))
        yield waiting[:size]
        waiting = waiting[size:]
