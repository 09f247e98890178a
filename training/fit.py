"""The loop that reward models and fine-tuned policies share: AdamW, a short warm-up, a linear decline, epochs.

What an item is and how it is scored is the caller's: `loss_of` gives the sum over items, `size_of` what the sum is
divided by. Every process knows the whole step, so it divides by the size of the whole step, and the gradient is the
same for any number of processes and any size of the parts in which it is gathered.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar

import torch
from accelerate import Accelerator

from common.shapes import JsonObject
from generation.types import Model
from training.accelerated import chunks, copied, put_back, share, total
from training.curves import Line, Panel
from training.folders import BadFolder
from training.options import Common, option
from training.record import Record

Item = TypeVar("Item")
LAST_RATE = 0.05  # share of the learning rate that is left at the last step
TELL_EVERY = 2.0  # seconds


@dataclass(frozen=True)
class Fitting(Common):
    """Options of the loop."""

    epochs: float = option(1.0, "passes over the data; may be a part of one")
    steps: int = option(0, "so many steps instead of epochs")
    batch_size: int = option(8, "rankings or answers of a step, over all devices")
    learning_rate: float = option(1e-4, "at its height")
    evaluate_every: int = option(0, "steps between looks at the held-out loss; 0: once an epoch")
    patience: int = option(0, "stop when the held-out loss has not fallen so many times, and keep the best; 0: never")


@dataclass
class Fitted:
    """What came of it."""

    steps: int = 0
    losses: list[float] = field(default_factory=list)  # of each step
    held_out: list[tuple[int, float]] = field(default_factory=list)
    stopped_early: bool = False

    def facts(self) -> JsonObject:
        last = self.losses[-4:]
        return {
            "steps": self.steps,
            "first_loss": round(self.losses[0], 4),
            "last_loss": round(sum(last) / len(last), 4),
            "held_out_loss": round(min(loss for _, loss in self.held_out), 4) if self.held_out else None,
            "stopped_early": self.stopped_early,
        }

    def panels(self) -> list[Panel]:
        trained = Line("training", list(enumerate(self.losses, start=1)))
        return [Panel("loss", [trained, Line("held out", self.held_out)])]


class Loop(Generic[Item]):
    def __init__(
        self,
        accelerator: Accelerator,
        settings: Fitting,
        record: Record,
        loss_of: Callable[[Model, Sequence[Item]], torch.Tensor],
        size_of: Callable[[Sequence[Item]], float],
    ) -> None:
        self.accelerator, self.settings, self.record = accelerator, settings, record
        self.loss_of, self.size_of = loss_of, size_of

    def fit(self, model: Model, data: Sequence[Item], held_out: Sequence[Item]) -> tuple[Model, Fitted]:
        """The model as accelerate wrapped it, and what came of it. Frozen parameters stay as they are.

        Raises:
            BadFolder: a step cannot be shared by the processes.
        """
        s, done = self.settings, Fitted()
        if s.batch_size < 1 or s.batch_size % self.accelerator.num_processes:
            raise BadFolder(f"A step of {s.batch_size} cannot be shared by {self.accelerator.num_processes} processes.")
        per_epoch = math.ceil(len(data) / s.batch_size)
        steps = s.steps or max(1, round(s.epochs * per_epoch))
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer: Any = torch.optim.AdamW(trained, lr=s.learning_rate, weight_decay=0.0)
        wrapped, optimizer = self.accelerator.prepare(model, optimizer)
        best: list[torch.Tensor] = []
        going = self.record.resume()
        if going is not None:
            best = going.kept
            done = Fitted(going.step, [], [], False)
            for known in self.record.rows:
                self._remember(done, known)
        began = told = time.monotonic()
        first = done.steps
        wrapped.train()
        for step in range(first + 1, steps + 1):
            for group in optimizer.param_groups:
                group["lr"] = s.learning_rate * rate(step, steps)
            loss = self._step(wrapped, trained, optimizer, batch(data, step, s.batch_size, s.seed))
            done.steps = step
            done.losses.append(loss)
            row: JsonObject = {"step": step, "epoch": round(step / per_epoch, 3), "loss": loss}
            if held_out and (step % (s.evaluate_every or per_epoch) == 0 or step == steps):
                row["held_out_loss"] = away = self.evaluate(wrapped, held_out)
                done.held_out.append((step, away))
                if s.patience and done.held_out[-1][1] == min(value for _, value in done.held_out):
                    best = copied(trained)
            self.record.row(row)
            if s.patience and _no_longer_falls(done.held_out, s.patience):
                done.stopped_early = True
                break
            if s.save_every and step % s.save_every == 0 and step < steps:
                self.record.save_state(step, {}, best)
            if time.monotonic() - told >= TELL_EVERY or step == steps:
                told = time.monotonic()
                self.record.tell(f"step {step} of {steps}, loss {loss:.3f}, {_left(began, step - first, steps - step)}")
        if best:
            put_back(trained, best)
        wrapped.eval()
        return wrapped, done

    def _step(self, model: Model, trained: list[torch.nn.Parameter], optimizer: Any, items: Sequence[Item]) -> float:
        """One step of the optimizer on these items, each process on its share; the loss over all of them."""
        size = max(self.size_of(items), 1e-9)
        parts = chunks(share(items, self.accelerator), self.settings.micro_batch_size)
        value = 0.0
        for at, part in enumerate(parts):
            with self.accelerator.no_sync(model) if at < len(parts) - 1 else nullcontext():
                with self.accelerator.autocast():
                    loss = self.loss_of(model, part) / size
                # Processes' gradients are averaged, and the loss is a sum.
                self.accelerator.backward(loss * self.accelerator.num_processes)
            value += loss.item()
        self.accelerator.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return total(self.accelerator, value)[0]

    @torch.no_grad()
    def evaluate(self, model: Model, items: Sequence[Item]) -> float:
        """The loss of items that are not trained on."""
        model.eval()
        bare = self.accelerator.unwrap_model(model)
        value, processes = 0.0, self.accelerator.num_processes
        # Every process takes the same number of parts, its own or, where none is left for it, one that does not count.
        for part in chunks(items, processes * (self.settings.micro_batch_size or self.settings.batch_size)):
            own = share(part, self.accelerator)
            with self.accelerator.autocast():
                value += self.loss_of(bare, own or part[:1]).item() * bool(own)
        model.train()
        return total(self.accelerator, value)[0] / max(self.size_of(items), 1e-9)

    @staticmethod
    def _remember(done: Fitted, row: Any) -> None:
        done.losses.append(row["loss"])
        if "held_out_loss" in row:
            done.held_out.append((row["step"], row["held_out_loss"]))


def rate(step: int, steps: int) -> float:
    """Share of the learning rate at a step: up within a tenth of them, then down in a line."""
    warmup = max(1, steps // 10)
    return min(step / warmup, max(LAST_RATE, (steps - step + 1) / max(1, steps - warmup)))


def batch(data: Sequence[Item], step: int, size: int, seed: int) -> list[Item]:
    """The items of a step: every one once before any comes again, in a new order each time.

    A function of the step, so that a run that goes on needs no state of a generator.
    """
    first = (step - 1) * size
    orders: dict[int, list[Item]] = {}
    found = []
    for place in range(first, first + size):
        turn, at = divmod(place, len(data))
        if turn not in orders:
            orders[turn] = Random(f"{seed}-{turn}").sample(data, len(data))
        found.append(orders[turn][at])
    return found


def _no_longer_falls(held_out: Sequence[tuple[int, float]], patience: int) -> bool:
    losses = [loss for _, loss in held_out]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])


def _left(began: float, done: int, left: int) -> str:
    return f"{(time.monotonic() - began) / max(1, done) * left:.0f} s left"
