"""Every random choice of the loop, from a stored seed, so that it can be replayed. Pure functions."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def new_seed() -> int:
    """A seed from the system's entropy that fits a signed 64-bit column."""
    return secrets.randbits(62)


def draw_turns(*, policy: str, eligible: Sequence[str], n: int, seed: int) -> list[str]:
    """Draw up to `n` turns without replacement.

    Policies: `uniform` (each eligible turn alike), `last`, `all` (whatever n), and `depth` (weight
    1, 2, 3, … from the first eligible turn to the last).
    """
    rng = Random(seed)
    if policy == "all":
        return list(eligible)
    if policy == "last":
        return list(eligible[-1:]) if n else []
    count = min(n, len(eligible))
    if policy == "uniform":
        return rng.sample(list(eligible), count)
    if policy == "depth":
        left = list(enumerate(eligible, start=1))
        drawn: list[str] = []
        for _ in range(count):
            choice = rng.choices(left, weights=[weight for weight, _ in left])[0]
            left.remove(choice)
            drawn.append(choice[1])
        return drawn
    raise ValueError(f"{policy!r} is not a policy of drawing turns")


def presentation_order(ids: Sequence[T], seed: int) -> list[T]:
    """A uniform permutation (Fisher-Yates)."""
    order = list(ids)
    Random(seed).shuffle(order)
    return order


def pick_weighted(items: Sequence[T], weights: Sequence[float], rng: Random, n: int = 1) -> list[T]:
    """`n` draws with replacement, in proportion to the weights."""
    return rng.choices(list(items), weights=list(weights), k=n)


def falls_in_share(identifier: uuid.UUID, share: float) -> bool:
    """Whether a random (version 4) id falls in a share of all ids; the same answer every time."""
    return identifier.int % 1_000_003 < share * 1_000_003
