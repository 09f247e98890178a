"""Planted parameters, many seeds: intervals hold what they promise. The slow tier."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from common.stats import consensus
from common.stats.arrays import Floats, Integers
from common.stats.bradley_terry import bradley_terry
from common.stats.davidson import davidson
from common.stats.drift import cusum
from common.stats.plackett_luce import plackett_luce
from insights.agreement import between_trainers
from insights.judgement_arrays import PER_ITEM, Block, Data, Flags
from labeling import preferences
from labeling.preferences import Groups
from tests.common.test_ratings import THETA, make_pairs

pytestmark = pytest.mark.slow
SEEDS = 100
CENTRED = THETA - THETA.mean()


def plain_half_widths(pairs: dict[str, Floats], estimate: Floats) -> Floats:
    """1.96 standard errors of a plain maximum-likelihood fit, strengths constrained to sum zero."""
    n = len(pairs["outcome"])
    design = np.zeros((n, 6))
    design[np.arange(n), pairs["first"]] = 1
    design[np.arange(n), pairs["second"]] = -1
    design[:, 4], design[:, 5] = pairs["longer"], pairs["shown_first"]
    p = 1 / (1 + np.exp(-design @ estimate))
    widths: Floats = 1.96 * np.sqrt(np.diag(np.linalg.pinv(design.T @ (design * (p * (1 - p))[:, None]))))
    return widths


def test_planted_strengths_length_and_position_lie_in_their_intervals_in_90_of_100_seeds() -> None:
    planted = np.append(CENTRED, [0.4, 0.15])
    inside, widest = np.zeros(6, dtype=int), 0.0
    for seed in range(SEEDS):
        pairs = make_pairs(1500, seed, length=0.4, place=0.15)
        fit = bradley_terry(
            pairs["first"],
            pairs["second"],
            pairs["outcome"],
            models=4,
            clusters=pairs["prompt"],
            features=[pairs["longer"], pairs["shown_first"]],
            names=["length", "position"],
        )
        effects = [fit.effects["length"], fit.effects["position"]]
        low = np.append(fit.low, [e.low for e in effects])
        high = np.append(fit.high, [e.high for e in effects])
        inside += (low <= planted) & (planted <= high)
        estimate = np.append(fit.strengths, [e.value for e in effects])
        widest = max(widest, float(((high - low) / 2 / plain_half_widths(pairs, estimate)).max()))
    assert inside.min() >= 90, inside
    assert widest <= 2, widest


def test_bootstrap_intervals_of_strengths_hold_too() -> None:
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        pairs = make_pairs(600, 1000 + seed)
        fit = bradley_terry(
            pairs["first"], pairs["second"], pairs["outcome"], models=4, clusters=pairs["prompt"], seed=seed
        )
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert inside.min() >= 90, inside


def test_plackett_luce_intervals_hold() -> None:
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        orders = [np.argsort(-(THETA + rng.gumbel(size=4))) for _ in range(200)]
        fit = plackett_luce([tuple((int(m),) for m in order) for order in orders], range(200), models=4)
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert inside.min() >= 90, inside


@pytest.mark.parametrize("clustered", [True, False])
def test_davidson_intervals_hold_where_pairs_of_a_prompt_go_together(clustered: bool) -> None:
    """Each prompt has a mood of its own that all its six pairs share. The control takes the pairs for independent, and
    its intervals are too narrow."""
    inside = np.zeros(4, dtype=int)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        prompts, pairs = 150, 6
        prompt = np.repeat(np.arange(prompts), pairs)
        one = rng.integers(0, 4, prompts)
        first, second = np.repeat(one, pairs), np.repeat((one + rng.integers(1, 4, prompts)) % 4, pairs)
        outcome = tied_outcomes(rng, first, second, again=rng.random(prompts * pairs) < 0.6)
        fit = davidson(first, second, outcome, models=4, clusters=prompt if clustered else range(len(prompt)))
        inside += (fit.low <= CENTRED) & (fit.high >= CENTRED)
    assert (inside.min() >= 90) == clustered, inside


def tied_outcomes(rng: np.random.Generator, first: Integers, second: Integers, *, again: Flags) -> Floats:
    """Drawn from Davidson's model, one pair at a time; `again`: as the pair before it of the same prompt."""
    found: list[float] = []
    for i, j, same in zip(first, second, again, strict=True):
        if same and found and len(found) % 6:
            found.append(found[-1])
            continue
        worth = math.exp(THETA[i]), math.exp(THETA[j])
        chances = worth[0], 0.7 * math.sqrt(worth[0] * worth[1]), worth[1]
        drawn = rng.random() * sum(chances)
        found.append(1.0 if drawn < chances[0] else 0.5 if drawn < chances[0] + chances[1] else 0.0)
    return np.array(found)


def votes_of(rng: np.random.Generator, noise: float, k: int) -> list[str]:
    """One person's order of k answers whose true order is a, b, c …, read with some noise."""
    felt = [place + rng.normal(0, noise) for place in range(k)]
    return ["abcdefghi"[place] for place in sorted(range(k), key=lambda place: felt[place])]


@pytest.mark.parametrize("method", sorted(consensus.METHODS))
def test_a_consensus_by_label_weight_is_right_more_often_than_one_that_does_not_know_whom_to_trust(method: str) -> None:
    """One careful person (weight 1) and two careless ones (0.2). The control leaves the weights out."""
    rng = np.random.default_rng(17)
    right = {"weighted": 0.0, "plain": 0.0}
    trials, k = 400, 3
    for _ in range(trials):
        votes = [[[one] for one in votes_of(rng, noise, k)] for noise in (0.6, 4.0, 4.0)]
        for name, weights in (("weighted", [1.0, 0.2, 0.2]), ("plain", [1.0, 1.0, 1.0])):
            place = {one: at for at, group in enumerate(consensus.METHODS[method](votes, weights)) for one in group}
            right[name] += sum(place[a] < place[b] for a, b in ("ab", "ac", "bc")) / 3 / trials
    assert right["weighted"] >= right["plain"] + 0.08, right
    assert right["weighted"] >= 0.85, right


# -- drift ------------------------------------------------------------------------------------------


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


# -- adaptive overlap -------------------------------------------------------------------------------


def overlapping(rng: np.random.Generator, comparisons: int) -> tuple[Data, float]:
    """Two votes on each comparison of four, two more where they are opposed; and the share of pairs in which any two
    people agree, counted over people whom only chance brought together."""
    i, j = np.triu_indices(4, 1)
    ranks, extra, number, trainer = [], [], [], []
    agreeing = 0.0
    for at in range(comparisons):
        worth = rng.normal(0, 1, 4)
        felt = [worth + rng.normal(0, 1.3, 4) for _ in range(6)]
        signs = [np.sign(one[i] - one[j]) for one in felt]
        agreeing += float((signs[4] == signs[5]).mean()) / comparisons
        opposed = float((signs[0] * signs[1]).sum()) < 0
        for slot in range(4 if opposed else 2):
            ranks.append(np.argsort(np.argsort(-felt[slot])))
            extra.append(slot >= 2)
            number.append(at)
            trainer.append((at + slot) % 12)
    n = len(ranks)
    items = {name: np.zeros((n, 4), dtype=np.int32) for name in PER_ITEM}
    items["ranks"] = np.array(ranks, dtype=np.int32)
    zeros = np.zeros(n, dtype=np.int64)
    block = Block(
        k=4, comparison=np.array(number), trainer=np.array(trainer), research=np.zeros(n, dtype=bool),
        extra=np.array(extra), prompt=np.array(number), round=zeros, day=zeros, seconds=zeros, items=items,
    )  # fmt: skip
    return Data((block,), ("m",), (None,)), agreeing


def test_agreement_is_that_of_people_brought_together_by_chance_though_the_opposed_get_more_votes() -> None:
    """The control counts all votes, and says that people agree less than they do."""
    off: dict[str, list[float]] = {"as drawn": [], "all": []}
    for seed in range(10):
        data, truth = overlapping(np.random.default_rng(seed), 1500)
        for name, some in (("as drawn", data.as_drawn()), ("all", data)):
            off[name].append((between_trainers(some)["value"] or 0.0) - truth)
    assert abs(np.mean(off["as drawn"])) < 0.005, off
    assert np.mean(off["all"]) < -0.02, off
