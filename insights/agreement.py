"""Agreement of trainers with each other, with reviewers, with themselves, and of a mere preference for length with all
of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from common.stats.agreement import pair_points, signs, votes_needed
from common.stats.arrays import Floats, Integers
from common.stats.intervals import Estimate, ratio
from insights.judgement_arrays import Block, Data
from insights.krippendorff import ValueCounts
from insights.pair_points import PairPoints, twice_judged
from insights.report_types import Agreement, Band, RoundAgreement, SelfAgreement, Share, share

BANDS: tuple[Band, ...] = (
    {"who": "InstructGPT, training labellers", "value": 0.726, "low": 0.711, "high": 0.741},
    {"who": "InstructGPT, held-out labellers", "value": 0.773, "low": 0.760, "high": 0.786},
    {"who": "Anthropic, researcher and crowd", "value": 0.63, "low": None, "high": None},
)
TAU_SAMPLE = 20_000  # pairs of rankings whose tau-b is averaged; the newest


class _Counts:
    """What is counted of comparisons that were judged twice."""

    def __init__(self) -> None:
        self.trainers, self.reviewers = PairPoints(), PairPoints()
        self.orders, self.grades = ValueCounts([-1, 0, 1]), ValueCounts(list(range(1, 8)))
        self.taus: list[Floats] = []
        self.tau_prompts: list[Integers] = []

    def add(self, data: Data) -> None:
        for block in data.blocks:
            a, b = twice_judged(block)
            votes = ~block.research[a] & ~block.research[b]
            mixed = block.research[a] ^ block.research[b]
            self.trainers.add(block, a[votes], b[votes])
            self.reviewers.add(block, a[mixed], b[mixed])
            self._correlate(block, a[votes][-TAU_SAMPLE:], b[votes][-TAU_SAMPLE:])
            shared = np.unique(np.concatenate([a[votes], b[votes]]))
            self.orders.add(block.comparison[shared], block.prompt[shared], block.signs[shared])
            self.grades.add(block.comparison[shared], block.prompt[shared], block.items["grades"][shared])

    def tau_b(self) -> Share:
        if not self.taus:
            return share(ratio([], [], []))
        taus = np.concatenate(self.taus)
        return share(ratio(taus, np.ones(len(taus)), np.concatenate(self.tau_prompts)))

    def _correlate(self, block: Block, a: Integers, b: Integers) -> None:
        """Kendall's tau-b of each two rankings, but where one ties everything."""
        left, right = block.signs[a].astype(float), block.signs[b].astype(float)
        untied = np.sqrt(np.count_nonzero(left, axis=1) * np.count_nonzero(right, axis=1))
        told = untied > 0
        self.taus.append((left * right).sum(axis=1)[told] / untied[told])
        self.tau_prompts.append(block.prompt[a][told])


def agreement(data: Data, names: dict[int, str], by_round: Sequence[RoundAgreement] = ()) -> Agreement:
    """Between trainers, between trainer and reviewer, Krippendorff's alpha, tau-b, and the length baseline."""
    counts = _Counts()
    counts.add(data)
    trainers = counts.trainers.points()
    summary = trainers.summary()
    rate = summary["tie_excluded"]["value"]
    return {
        "between_trainers": summary,
        "trainer_and_reviewer": counts.reviewers.points().summary(),
        "tau_b": counts.tau_b(),
        "alpha_order_nominal": counts.orders.estimate("nominal"),
        "alpha_order_ordinal": counts.orders.estimate("ordinal"),
        "alpha_grades_interval": counts.grades.estimate("interval"),
        "fleiss_kappa": counts.orders.fleiss(),
        "length_baseline": share(length_baseline(data)),
        "published": list(BANDS),
        "votes_for_90_percent": votes_needed(rate, 0.9) if rate is not None else None,
        "by_pair_of_people": trainers.by_people(names),
        "by_person": {str(person): value for person, value in trainers.by_person().items()},
        "by_round": list(by_round),
    }


def between_trainers(data: Data) -> Share:
    """Of pairs that two trainers both order: how often alike."""
    points = PairPoints()
    for block in data.blocks:
        a, b = twice_judged(block)
        votes = ~block.research[a] & ~block.research[b]
        points.add(block, a[votes], b[votes])
    return points.points().tie_excluded()


def length_baseline(data: Data) -> Estimate:
    """How often "the longer one is better" agrees with a trainer's strict pair."""
    top, bottom, prompts = [], [], []
    for block in data.blocks:
        i, j = np.triu_indices(block.k, 1)
        lengths = block.items["lengths"]
        longer = np.sign(lengths[:, i] - lengths[:, j])
        signs = block.signs
        told = (signs != 0) & (longer != 0)
        top.append(((signs == longer) & told).sum(axis=1))
        bottom.append(told.sum(axis=1))
        prompts.append(block.prompt)
    if not prompts:
        return ratio([], [], [])
    return ratio(np.concatenate(top), np.concatenate(bottom), np.concatenate(prompts))


def with_itself(matched: Iterable[tuple[int, str, list[int], list[int]]], names: dict[int, str]) -> list[SelfAgreement]:
    """Intra-rater agreement per person from (person, prompt, ranks first, ranks again)."""
    rows: dict[int, list[tuple[float, float, str]]] = defaultdict(list)
    for person, prompt, first, again in matched:
        _, _, agreed, both = pair_points(signs(first), signs(again))
        rows[person].append((float(agreed.sum()), float(both.sum()), prompt))
    return [
        {
            "person": names.get(person, "?"),
            "repeats": len(found),
            **share(ratio([r[0] for r in found], [r[1] for r in found], [r[2] for r in found])),
        }
        for person, found in rows.items()
    ]
