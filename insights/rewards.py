"""Reward models against held-out people: how far they agree, and whether they lean to length as people do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from common.stats.intervals import ratio
from insights.report_types import share
from insights.round_facts import Scored
from insights.round_types import RewardRow


def rewards(rows: Sequence[Scored]) -> list[RewardRow]:
    """By round and reward model. Of every ranking its strict pairs; whole prompts are resampled."""
    found: dict[tuple[int | None, str], list[Scored]] = defaultdict(list)
    for row in rows:
        found[row.round, row.model].append(row)
    return [_row(round_, model, of_model) for (round_, model), of_model in found.items()]


def _row(round_: int | None, model: str, rows: Sequence[Scored]) -> RewardRow:
    agreed, longer, people_longer, unlike, prompts = [], [], [], [], []
    for row in rows:
        i, j = np.triu_indices(len(row.ranks), 1)
        ranks, lengths, scores = np.array(row.ranks), np.array(row.lengths), np.array(row.scores)
        people = np.sign(ranks[j] - ranks[i])
        strict = people != 0
        machine, length = np.sign(scores[i] - scores[j])[strict], np.sign(lengths[i] - lengths[j])[strict]
        people = people[strict]
        agreed.append((1 + machine * people) / 2)
        unlike.append(length != 0)
        longer.append((1 + machine * length) / 2)
        people_longer.append((1 + people * length) / 2)
        prompts += [row.prompt] * int(strict.sum())
    points, told = np.concatenate(agreed), np.concatenate(unlike)
    return {
        "round": round_, "model": model,
        "agreement": share(ratio(points, np.ones(len(points)), prompts)),
        "longer": share(ratio(np.concatenate(longer) * told, told, prompts)),
        "people_longer": share(ratio(np.concatenate(people_longer) * told, told, prompts)),
    }  # fmt: skip
