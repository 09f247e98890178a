"""Agreement over many simulated people: intervals hold what they promise, adaptive overlap or not. The slow tier."""

from __future__ import annotations

import numpy as np
import pytest

from common.stats.arrays import Integers
from insights.agreement import between_trainers
from insights.judgement_arrays import PER_ITEM, Block, Data
from insights.krippendorff import ValueCounts
from insights.report_types import Share

pytestmark = pytest.mark.slow
SEEDS = 100


def judged_by_three(rng: np.random.Generator, prompts: int) -> tuple[Integers, Integers]:
    """Six questions about each prompt, answered -1, 0 or 1 by three people; how clear a prompt is, all six share."""
    clear = rng.choice([0.2, 0.9], prompts)
    truth = rng.integers(-1, 2, (prompts, 6))
    sees = rng.random((prompts, 3, 6)) < clear[:, None, None]
    answers = np.where(sees, truth[:, None, :], rng.integers(-1, 2, (prompts, 3, 6)))
    return answers.reshape(prompts * 3, 6), np.repeat(np.arange(prompts), 3)


@pytest.mark.parametrize("clustered", [True, False])
def test_intervals_of_kappa_and_alpha_hold_where_the_questions_of_a_prompt_go_together(clustered: bool) -> None:
    """The control takes every question for a prompt of its own."""

    def of(rng: np.random.Generator, prompts: int, *, clustered: bool = True) -> list[Share]:
        answers, prompt = judged_by_three(rng, prompts)
        counts = ValueCounts([-1, 0, 1])
        for question in range(6):
            counts.add(prompt * 6 + question, prompt if clustered else prompt * 6 + question, answers[:, [question]])
        return [counts.fleiss(), counts.estimate("nominal"), counts.estimate("ordinal")]

    planted = [found["value"] for found in of(np.random.default_rng(999), 60_000)]
    inside = np.zeros(3, dtype=int)
    for seed in range(SEEDS):
        for at, found in enumerate(of(np.random.default_rng(seed), 120, clustered=clustered)):
            assert found["low"] is not None
            assert found["high"] is not None
            inside[at] += found["low"] <= (planted[at] or 0.0) <= found["high"]
    assert (inside.min() >= 90) == clustered, inside


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
