"""Agreement of trainers with each other, with reviewers, and of a mere preference for length with all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from common.stats.agreement import alpha_of_coincidences, coincidences, tau_b, votes_needed
from common.stats.intervals import Estimate, ratio
from insights.judgement_arrays import Array, Block, Data

BANDS = (
    {"who": "InstructGPT, training labellers", "value": 0.726, "low": 0.711, "high": 0.741},
    {"who": "InstructGPT, held-out labellers", "value": 0.773, "low": 0.760, "high": 0.786},
    {"who": "Anthropic, researcher and crowd", "value": 0.63, "low": None, "high": None},
)
TAU_SAMPLE = 20_000  # pairs of rankings whose tau-b is averaged; the newest
TABLE_ROWS = 50
ROW_DRAWS = 200  # of the bootstrap behind each row of a table


def estimate(found: Estimate) -> dict[str, Any]:
    return asdict(found)


class _Tally:
    """Points of pairs of rankings, added up per pair of people and overall."""

    def __init__(self) -> None:
        self.rows: list[tuple[Array, ...]] = []

    def add(self, block: Block, a: Array, b: Array) -> None:
        """Rankings at rows `a` and `b` of the block judged the same comparison."""
        if not len(a):
            return
        signs = block.signs
        left, right = signs[a], signs[b]
        same = (left == right).sum(axis=1)
        one_tie = ((left == 0) ^ (right == 0)).sum(axis=1)
        both = ((left != 0) & (right != 0)).sum(axis=1)
        agreed = ((left == right) & (left != 0)).sum(axis=1)
        people = np.sort(np.stack([block.trainer[a], block.trainer[b]], axis=1), axis=1)
        pairs = np.full(len(a), left.shape[1])
        self.rows.append((block.prompt[a], people[:, 0], people[:, 1], pairs, same, one_tie, both, agreed))

    def columns(self) -> list[Array]:
        if not self.rows:
            return [np.zeros(0, dtype=int) for _ in range(8)]
        return [np.concatenate(column) for column in zip(*self.rows, strict=True)]

    def summary(self) -> dict[str, Any]:
        prompt, _, _, pairs, same, one_tie, both, agreed = self.columns()
        return {
            "rankings": len(prompt),
            "strict": estimate(ratio(same, pairs, prompt)),
            "tie_discounted": estimate(ratio(same + 0.5 * one_tie, pairs, prompt)),
            "tie_excluded": estimate(ratio(agreed, both, prompt)),
        }

    def by_people(self, names: dict[int, str]) -> list[dict[str, Any]]:
        """A row for each two people, those with most pairs first."""
        prompt, a, b, pairs, same, one_tie, both, agreed = self.columns()
        couples = np.stack([a, b], axis=1) if len(a) else np.zeros((0, 2), dtype=int)
        distinct, index = np.unique(couples, axis=0, return_inverse=True)
        index = index.ravel()
        if not len(a):
            return []
        order = np.argsort(-np.bincount(index, weights=pairs, minlength=len(distinct)))[:TABLE_ROWS]
        rows = []
        for couple in order:
            at = np.flatnonzero(index == couple)
            rows.append({
                "a": names.get(int(distinct[couple][0]), "?"), "b": names.get(int(distinct[couple][1]), "?"),
                "pairs": int(pairs[at].sum()),
                "strict": estimate(ratio(same[at], pairs[at], prompt[at], draws=ROW_DRAWS)),
                "tie_discounted": estimate(ratio(same[at] + 0.5 * one_tie[at], pairs[at], prompt[at], draws=ROW_DRAWS)),
                "tie_excluded": estimate(ratio(agreed[at], both[at], prompt[at], draws=ROW_DRAWS)),
            })  # fmt: skip
        return rows

    def by_person(self) -> dict[int, dict[str, Any]]:
        """Each person's tie-excluded agreement with all others."""
        prompt, a, b, _, _, _, both, agreed = self.columns()
        found = {}
        for person in np.unique(np.concatenate([a, b])) if len(a) else []:
            at = (a == person) | (b == person)
            found[int(person)] = estimate(ratio(agreed[at], both[at], prompt[at], draws=ROW_DRAWS))
        return found


def twice_judged(block: Block) -> tuple[Array, Array]:
    """Rows (a, b), a < b, of the block that judged the same comparison."""
    order = np.argsort(block.comparison, kind="stable")
    keys = block.comparison[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    a_parts, b_parts = [], []
    for size in np.unique(sizes[sizes > 1]):
        groups = order[starts[sizes == size][:, None] + np.arange(size)]
        i, j = np.triu_indices(int(size), 1)
        a_parts.append(groups[:, i].ravel())
        b_parts.append(groups[:, j].ravel())
    none = np.zeros(0, dtype=int)
    return (np.concatenate(a_parts), np.concatenate(b_parts)) if a_parts else (none, none)


def agreement(data: Data, names: dict[int, str]) -> dict[str, Any]:
    """Between trainers, between trainer and reviewer, Krippendorff's alpha, tau-b, and the length baseline."""
    trainers, reviewers = _Tally(), _Tally()
    taus: list[tuple[float, int]] = []
    signs_by_unit, grades_by_unit = _Alpha([-1, 0, 1]), _Alpha(list(range(1, 8)))
    for block in data.blocks:
        a, b = twice_judged(block)
        votes = ~block.research[a] & ~block.research[b]
        mixed = block.research[a] ^ block.research[b]
        trainers.add(block, a[votes], b[votes])
        reviewers.add(block, a[mixed], b[mixed])
        for left, right in list(zip(a[votes], b[votes], strict=True))[-TAU_SAMPLE:]:
            tau = tau_b(block.items["ranks"][left], block.items["ranks"][right])
            if tau is not None:
                taus.append((tau, int(block.prompt[left])))
        shared = np.unique(np.concatenate([a[votes], b[votes]])) if len(a) else np.zeros(0, dtype=int)
        signs_by_unit.add(block.comparison[shared], block.prompt[shared], block.signs[shared])
        grades_by_unit.add(block.comparison[shared], block.prompt[shared], block.items["grades"][shared])
    summary = trainers.summary()
    rate = summary["tie_excluded"]["value"]
    return {
        "between_trainers": summary,
        "trainer_and_reviewer": reviewers.summary(),
        "tau_b": estimate(ratio([t for t, _ in taus], np.ones(len(taus)), [p for _, p in taus])),
        "alpha_order_nominal": signs_by_unit.estimate("nominal"),
        "alpha_order_ordinal": signs_by_unit.estimate("ordinal"),
        "alpha_grades_interval": grades_by_unit.estimate("interval"),
        "length_baseline": estimate(length_baseline(data)),
        "published": list(BANDS),
        "votes_for_90_percent": votes_needed(rate, 0.9) if rate is not None else None,
        "by_pair_of_people": trainers.by_people(names),
        "by_person": {str(person): value for person, value in trainers.by_person().items()},
    }


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


class _Alpha:
    """Counts of values per unit, for Krippendorff's alpha with an interval over prompts."""

    def __init__(self, values: list[int]) -> None:
        self.values = values
        self.parts: list[tuple[Array, Array]] = []

    def add(self, comparison: Array, prompt: Array, table: Array) -> None:
        """`table`: a row per ranking, a column per unit of its comparison (a pair, or a completion)."""
        if not len(comparison):
            return
        distinct, index = np.unique(comparison, return_inverse=True)
        width = table.shape[1]
        counts = np.zeros((len(distinct), width, len(self.values)))
        for at, value in enumerate(self.values):
            np.add.at(counts[:, :, at], index, (table == value).astype(float))
        prompts = np.zeros(len(distinct), dtype=np.int64)
        prompts[index] = prompt
        self.parts.append((counts.reshape(-1, len(self.values)), np.repeat(prompts, width)))

    def estimate(self, level: str, draws: int = 200) -> dict[str, Any]:
        if not self.parts:
            return estimate(Estimate(None, None, None, 0, 0))
        counts = np.concatenate([part[0] for part in self.parts])
        prompts = np.concatenate([part[1] for part in self.parts])
        used = counts.sum(axis=1) >= 2
        counts, prompts = counts[used], prompts[used]
        value = alpha_of_coincidences(coincidences(counts), self.values, level) if len(counts) else None
        _, index = np.unique(prompts, return_inverse=True)
        clusters = int(index.max()) + 1 if len(index) else 0
        if value is None or clusters < 2:
            return estimate(Estimate(value, None, None, clusters, float(len(counts))))
        weights = counts / (counts.sum(axis=1) - 1)[:, None]
        each = weights[:, :, None] * counts[:, None, :]
        each[:, range(len(self.values)), range(len(self.values))] -= weights
        per_prompt = np.zeros((clusters, len(self.values) ** 2))
        np.add.at(per_prompt, index, each.reshape(len(each), -1))
        low, high = self._interval(per_prompt, level, draws)
        return estimate(Estimate(value, low, high, clusters, float(len(counts))))

    def _interval(self, per_prompt: Array, level: str, draws: int) -> tuple[float | None, float | None]:
        rng = np.random.default_rng(0)
        size = len(self.values)
        found = []
        for _ in range(draws):
            times = np.bincount(rng.integers(0, len(per_prompt), len(per_prompt)), minlength=len(per_prompt))
            alpha = alpha_of_coincidences((times @ per_prompt).reshape(size, size), self.values, level)
            if alpha is not None:
                found.append(alpha)
        if len(found) < draws / 2:
            return None, None
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)


def with_itself(matched: Iterable[tuple[int, str, list[int], list[int]]]) -> list[dict[str, Any]]:
    """Intra-rater agreement per person from (person, prompt, ranks first, ranks again)."""
    from common.stats.agreement import pair_points, signs

    rows: dict[int, list[tuple[float, float, str]]] = defaultdict(list)
    for person, prompt, first, again in matched:
        _, _, agreed, both = pair_points(signs(first), signs(again))
        rows[person].append((float(agreed.sum()), float(both.sum()), prompt))
    return [
        {
            "person": person,
            "repeats": len(found),
            **estimate(ratio([r[0] for r in found], [r[1] for r in found], [r[2] for r in found])),
        }
        for person, found in rows.items()
    ]
