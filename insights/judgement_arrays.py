"""The judgements of a project as numpy arrays: read once with a server-side cursor, cut to pairs by slicing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from common import clock
from insights.models import Judgement

Array = NDArray[Any]
COLUMNS = (
    "round_id", "comparison_id", "trainer_id", "kind", "prompt_key", "submitted_at", "seconds", "sources", "ranks",
    "places", "lengths", "headers", "lists", "bolds", "grades",
)  # fmt: skip
PER_ITEM = ("models", "ranks", "places", "lengths", "headers", "lists", "bolds", "grades")


@dataclass(frozen=True)
class Block:
    """Rankings of the same K: one row each, and n x K matrices over the completions."""

    k: int
    comparison: Array
    trainer: Array
    research: Array
    prompt: Array
    round: Array
    day: Array  # days since 1970
    seconds: Array
    items: dict[str, Array]

    def __len__(self) -> int:
        return len(self.trainer)

    def only(self, mask: Array) -> Block:
        rows = {name: value[mask] for name, value in self.__dict__.items() if name not in ("k", "items")}
        return Block(k=self.k, items={name: value[mask] for name, value in self.items.items()}, **rows)

    @property
    def signs(self) -> Array:
        """n x C(K,2): +1 where the first of the two is ranked above, 0 tied, -1 below."""
        i, j = np.triu_indices(self.k, 1)
        ranks = self.items["ranks"]
        return np.sign(ranks[:, j] - ranks[:, i]).astype(np.int8)


@dataclass(frozen=True)
class Data:
    blocks: tuple[Block, ...]
    models: tuple[str, ...]
    rounds: tuple[UUID | None, ...]

    def only(self, **wanted: Any) -> Data:
        """`round=index` or `research=bool`."""
        kept = [
            block.only(np.logical_and.reduce([getattr(block, n) == v for n, v in wanted.items()]))
            for block in self.blocks
        ]
        return Data(tuple(block for block in kept if len(block)), self.models, self.rounds)

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)


def read(project_id: UUID) -> Data:
    """Every judgement of the project."""
    codes: dict[str, dict[Any, int]] = {name: {} for name in ("round", "comparison", "prompt", "model")}

    def code(name: str, value: Any) -> int:
        return codes[name].setdefault(value, len(codes[name]))

    raw: dict[int, list[tuple[Any, ...]]] = {}
    rows = Judgement.objects.filter(project_id=project_id).order_by().values_list(*COLUMNS)
    for round_id, comparison, trainer, kind, prompt, at, seconds, models, *items in rows.iterator(chunk_size=20_000):
        head = (
            code("comparison", comparison), trainer or 0, kind == "research", code("prompt", prompt),
            code("round", round_id), clock.utc_day(at), -1 if seconds is None else seconds,
        )  # fmt: skip
        grades = [0 if grade is None else grade for grade in items[-1]]
        raw.setdefault(len(models), []).append((head, [[code("model", m) for m in models], *items[:-1], grades]))
    blocks = [_block(k, rows) for k, rows in sorted(raw.items()) if k >= 2]
    return Data(tuple(blocks), tuple(codes["model"]), tuple(codes["round"]))


def _block(k: int, rows: list[tuple[Any, ...]]) -> Block:
    heads = np.array([head for head, _ in rows], dtype=np.int64)
    matrix = np.array([items for _, items in rows], dtype=np.int32)  # n x columns x K
    comparison, trainer, research, prompt, round_, day, seconds = heads.T
    return Block(
        k, comparison, trainer, research.astype(bool), prompt, round_, day, seconds,
        {name: matrix[:, at, :] for at, name in enumerate(PER_ITEM)},
    )  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """All pairs of completions, flat; `outcome` is 1, 0 or 0.5 for the first."""

    first: Array
    second: Array
    outcome: Array
    prompt: Array
    first_items: dict[str, Array]
    second_items: dict[str, Array]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def strict(self) -> Array:
        return self.outcome != 0.5


def pairs(data: Data) -> Pairs:
    parts: list[tuple[Any, ...]] = []
    for block in data.blocks:
        i, j = np.triu_indices(block.k, 1)
        outcome = (block.signs.ravel() + 1) / 2
        prompt = np.repeat(block.prompt, len(i))
        ahead = {name: block.items[name][:, i].ravel() for name in PER_ITEM}
        behind = {name: block.items[name][:, j].ravel() for name in PER_ITEM}
        parts.append((outcome, prompt, ahead, behind))
    if not parts:
        empty = np.zeros(0)
        nothing = dict.fromkeys(PER_ITEM, empty)
        return Pairs(empty.astype(int), empty.astype(int), empty, empty.astype(int), nothing, nothing)
    ahead = {name: np.concatenate([part[2][name] for part in parts]) for name in PER_ITEM}
    behind = {name: np.concatenate([part[3][name] for part in parts]) for name in PER_ITEM}
    return Pairs(
        ahead["models"], behind["models"], np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]), ahead, behind,
    )  # fmt: skip
