"""Drift over many simulated trainers: seldom a false alarm, and one soon where it is due. The slow tier."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from common.stats.drift import cusum
from labeling import preferences
from labeling.preferences import Groups

pytestmark = pytest.mark.slow

KNOWN = ["a"], ["b"], ["c"], ["d"]
PAIRS = 500
NOISE = {0.8: 1.29, 0.6: 4.6}  # of what is felt of answers that lie 1 apart, for this share of pairs to come out right


class Trainer(NamedTuple):
    """Ranks hidden items of known order, right in a share of the pairs."""

    name: str
    pairs: int  # of an item
    rank: Callable[[np.random.Generator, float], Groups]


def independent(rng: np.random.Generator, right: float) -> Groups:
    return [["a"], ["b"]] if rng.random() < right else [["b"], ["a"]]


def felt(rng: np.random.Generator, right: float) -> dict[str, float]:
    return dict(zip("abcd", np.arange(4.0) + rng.normal(0, NOISE[right], 4), strict=True))


def rankings_of_four(rng: np.random.Generator, right: float) -> Groups:
    worth = felt(rng, right)
    return [[one] for one in sorted(worth, key=lambda one: worth[one])]


def whole_items(rng: np.random.Generator, right: float) -> Groups:
    """Understands an item, or has it upside down."""
    return KNOWN if rng.random() < right else KNOWN[::-1]


def ties_the_closest(rng: np.random.Generator, right: float) -> Groups:
    worth = felt(rng, right)
    order = sorted(worth, key=lambda one: worth[one])
    at = min(range(3), key=lambda n: worth[order[n + 1]] - worth[order[n]])
    return [*([one] for one in order[:at]), order[at : at + 2], *([one] for one in order[at + 2 :])]


TRAINERS = [
    Trainer("independent", 1, independent),
    Trainer("rankings of four", 6, rankings_of_four),
    Trainer("whole items", 6, whole_items),
    Trainer("ties the closest", 6, ties_the_closest),
]


def shares(trainer: Trainer, rng: np.random.Generator, right: float, items: int) -> list[float]:
    """What the product takes of so many items."""
    found = (preferences.known_share_right(trainer.rank(rng, right), KNOWN) for _ in range(items))
    return [share for share in found if share is not None]


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda trainer: trainer.name)
def test_drift_rings_seldom_for_who_is_as_good_as_ever_and_soon_for_who_is_not(trainer: Trainer) -> None:
    rng = np.random.default_rng(11)
    assert np.mean(shares(trainer, rng, 0.8, 20_000)) == pytest.approx(0.8, abs=0.02)
    runs, items = 2000, PAIRS // trainer.pairs
    rung = np.mean([cusum(shares(trainer, rng, 0.8, items)).alarm_at is not None for _ in range(runs)])
    assert rung <= 0.05, rung
    delays = []
    for _ in range(400):
        found = cusum([*shares(trainer, rng, 0.8, 50), *shares(trainer, rng, 0.6, 250)]).alarm_at
        if found is None or found > 50:
            delays.append((found or 300) - 50)
    print(f"{trainer.name}: {rung:.1%} false alarms, median delay {np.median(delays)} items")
    assert np.median(delays) < 70, np.median(delays)
    assert np.percentile(delays, 90) < 120, np.percentile(delays, 90)


@pytest.mark.parametrize("trainer", TRAINERS[1:], ids=lambda trainer: trainer.name)
def test_the_control_that_takes_every_pair_for_itself_and_a_tie_for_wrong_rings_too_often(trainer: Trainer) -> None:
    rng = np.random.default_rng(12)

    def pairs() -> list[float]:
        ranked = (trainer.rank(rng, 0.8) for _ in range(PAIRS // trainer.pairs))
        return [float(right) for groups in ranked for right in preferences.known_pairs_right(groups, KNOWN)]

    rung = np.mean([cusum(pairs()).alarm_at is not None for _ in range(500)])
    print(f"{trainer.name}: {rung:.1%} false alarms")
    assert rung > 0.05, rung
