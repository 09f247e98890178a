"""The judgements of a project as numpy arrays: read once with a server-side cursor, cut to pairs by slicing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from common import clock
from common.stats.arrays import Floats, Integers
from insights.models import Judgement

Value = TypeVar("Value")
Flags: TypeAlias = NDArray[np.bool_]
Matrix: TypeAlias = NDArray[np.int32]  # half the memory of int64, for what there is most of
Signs: TypeAlias = NDArray[np.int8]
PER_ITEM = ("models", "ranks", "places", "lengths", "headers", "lists", "bolds", "grades")
ROWS_AT_ONCE = 20_000
UNKNOWN = -1  # seconds of a ranking that does not say them


@dataclass(frozen=True)
class Block:
    """Rankings of the same K: one row each, and n x K matrices over the completions."""

    k: int
    comparison: Integers
    trainer: Integers
    research: Flags
    extra: Flags  # votes that adaptive overlap asked for
    prompt: Integers
    round: Integers
    day: Integers  # days since 1970
    seconds: Integers
    items: dict[str, Matrix]

    def __len__(self) -> int:
        return len(self.trainer)

    def only(self, rows: Flags) -> Block:
        return Block(
            k=self.k,
            comparison=self.comparison[rows],
            trainer=self.trainer[rows],
            research=self.research[rows],
            extra=self.extra[rows],
            prompt=self.prompt[rows],
            round=self.round[rows],
            day=self.day[rows],
            seconds=self.seconds[rows],
            items={name: value[rows] for name, value in self.items.items()},
        )

    @property
    def signs(self) -> Signs:
        """n x C(K,2): +1 where the first of the two is ranked above, 0 tied, -1 below."""
        i, j = np.triu_indices(self.k, 1)
        ranks = self.items["ranks"]
        return np.asarray(np.sign(ranks[:, j] - ranks[:, i]), dtype=np.int8)


class SharedText(NamedTuple):
    """A text that two model versions wrote, in a comparison that was ranked: a tie between them."""

    round: int
    research: bool
    extra: bool
    prompt: int
    one: int
    other: int


@dataclass(frozen=True)
class Data:
    blocks: tuple[Block, ...]
    models: tuple[str, ...]
    rounds: tuple[UUID | None, ...]
    shared: tuple[SharedText, ...] = ()

    def of_round(self, round_id: UUID) -> Data:
        index = self.rounds.index(round_id) if round_id in self.rounds else UNKNOWN
        shared = tuple(text for text in self.shared if text.round == index)
        return self._kept([block.only(block.round == index) for block in self.blocks], shared)

    def votes(self) -> Data:
        """Without a reviewer's research rankings."""
        shared = tuple(text for text in self.shared if not text.research)
        return self._kept([block.only(~block.research) for block in self.blocks], shared)

    def as_drawn(self) -> Data:
        """Without the votes that were asked for because others disagreed: with them, what is contested counts for
        more than it is worth, and any two votes agree less than two that chance brought together."""
        if not any(block.extra.any() for block in self.blocks):
            return self
        shared = tuple(text for text in self.shared if not text.extra)
        return self._kept([block.only(~block.extra) for block in self.blocks], shared)

    def _kept(self, blocks: list[Block], shared: tuple[SharedText, ...]) -> Data:
        return Data(tuple(block for block in blocks if len(block)), self.models, self.rounds, shared)

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)


class Codes(Generic[Value]):
    """Numbers for values, in the order in which they are met."""

    def __init__(self) -> None:
        self.known: dict[Value, int] = {}

    def of(self, value: Value) -> int:
        return self.known.setdefault(value, len(self.known))


@dataclass
class _Rows:
    """What was read of the rankings of one K."""

    heads: list[list[int]] = field(default_factory=list)
    items: list[list[list[int]]] = field(default_factory=list)


def read(project_id: UUID) -> Data:
    """Every judgement of the project."""
    comparisons, prompts, rounds, models = Codes[UUID](), Codes[str](), Codes[UUID | None](), Codes[str]()
    raw: dict[int, _Rows] = defaultdict(_Rows)
    judgements = Judgement.objects.filter(project_id=project_id).order_by().values_list(
        "comparison_id", "trainer_id", "kind", "extra", "prompt_key", "round_id", "submitted_at", "seconds",
        "sources", "ranks", "places", "lengths", "headers", "lists", "bolds", "shared", "grades",
    )  # fmt: skip
    ties: list[SharedText] = []
    for row in judgements.iterator(chunk_size=ROWS_AT_ONCE):
        comparison, trainer, kind, extra, prompt, round_id, at, seconds, sources, *items, shared, grades = row
        rows = raw[len(sources)]
        rows.heads.append([
            comparisons.of(comparison), trainer or 0, int(kind == "research"), int(extra), prompts.of(prompt),
            rounds.of(round_id), clock.utc_day(at), UNKNOWN if seconds is None else seconds,
        ])  # fmt: skip
        rows.items.append([[models.of(name) for name in sources], *items, [grade or 0 for grade in grades]])
        for one, other in (pair.split(" ") for pair in shared):
            ties.append(SharedText(rounds.of(round_id), kind == "research", extra, prompts.of(prompt), models.of(one),
                                   models.of(other)))  # fmt: skip
    blocks = tuple(_block(k, rows) for k, rows in sorted(raw.items()) if k >= 2)
    return Data(blocks, tuple(models.known), tuple(rounds.known), tuple(ties))


def _block(k: int, rows: _Rows) -> Block:
    heads = np.array(rows.heads, dtype=np.int64)
    matrix = np.array(rows.items, dtype=np.int32)  # n x columns x K
    comparison, trainer, research, extra, prompt, round_, day, seconds = heads.T
    return Block(
        k=k,
        comparison=comparison,
        trainer=trainer,
        research=research.astype(bool),
        extra=extra.astype(bool),
        prompt=prompt,
        round=round_,
        day=day,
        seconds=seconds,
        items={name: matrix[:, at, :] for at, name in enumerate(PER_ITEM)},
    )


@dataclass(frozen=True)
class Pairs:
    """All pairs of completions, flat; `outcome` is 1, 0 or 0.5 for the first."""

    first: Matrix
    second: Matrix
    outcome: Floats
    prompt: Integers
    first_items: dict[str, Matrix]
    second_items: dict[str, Matrix]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def strict(self) -> Flags:
        return np.asarray(self.outcome != 0.5, dtype=bool)


def pairs(data: Data) -> Pairs:
    outcomes: list[Floats] = [np.zeros(0)]
    prompts: list[Integers] = [np.zeros(0, dtype=np.int64)]
    ahead: dict[str, list[Matrix]] = {name: [np.zeros(0, dtype=np.int32)] for name in PER_ITEM}
    behind: dict[str, list[Matrix]] = {name: [np.zeros(0, dtype=np.int32)] for name in PER_ITEM}
    for block in data.blocks:
        i, j = np.triu_indices(block.k, 1)
        outcomes.append((block.signs.ravel() + 1) / 2)
        prompts.append(np.repeat(block.prompt, len(i)))
        for name in PER_ITEM:
            ahead[name].append(block.items[name][:, i].ravel())
            behind[name].append(block.items[name][:, j].ravel())
    first_items = {name: np.concatenate(parts) for name, parts in ahead.items()}
    second_items = {name: np.concatenate(parts) for name, parts in behind.items()}
    return Pairs(
        first=first_items["models"],
        second=second_items["models"],
        outcome=np.concatenate(outcomes),
        prompt=np.concatenate(prompts),
        first_items=first_items,
        second_items=second_items,
    )
