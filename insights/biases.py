"""What judgements follow besides quality: length, place on the screen, formatting, haste."""

from __future__ import annotations

import numpy as np

from common.stats.arrays import Integers
from common.stats.bias import longer_wins, position_test
from common.stats.intervals import difference_of_shares, ratio
from insights.judgement_arrays import Data, Flags, Pairs
from insights.report_types import Bias, Haste, Interval, Positions, Speed, share


def biases(data: Data, pairs: Pairs, effects: dict[str, Interval]) -> Bias:
    """`effects` are those of style, with the strength of the models held equal."""
    strict = pairs.strict
    won = pairs.outcome[strict] == 1
    first, second = pairs.first_items["lengths"][strict], pairs.second_items["lengths"][strict]
    longer = longer_wins(np.where(won, first, second), np.where(won, second, first), pairs.prompt[strict])
    near = strict & (
        np.abs(pairs.first_items["lengths"] - pairs.second_items["lengths"])
        <= 0.1 * np.maximum(pairs.first_items["lengths"], pairs.second_items["lengths"])
    )
    earlier = np.where(pairs.first_items["places"] < pairs.second_items["places"], pairs.outcome, 1 - pairs.outcome)
    return {
        "longer_wins": share(longer),
        "pairs_of_matched_length": int(near.sum()),
        "earlier_wins": share(ratio(earlier * strict, strict, pairs.prompt)),
        "position": _positions(data),
        "effects": effects,
        "speed": _speed(data),
    }


def _positions(data: Data) -> Positions:
    found = position_test(_winners(data))
    return {
        "wins": list(found.wins),
        "exposures": list(found.exposures),
        "expected": list(found.expected),
        "chi_square": found.chi_square,
        "degrees": found.degrees,
        "p_value": found.p_value,
    }


def _winners(data: Data) -> list[tuple[int, list[int]]]:
    """(K, places on the screen of the best group) of every ranking."""
    found: list[tuple[int, list[int]]] = []
    for block in data.blocks:
        best = block.items["ranks"] == 0
        single = best.sum(axis=1) == 1
        places = block.items["places"]
        found.extend((block.k, [int(p)]) for p in places[single, np.argmax(best[single], axis=1)])
        for row in np.flatnonzero(~single):
            found.append((block.k, [int(p) for p in places[row][best[row]]]))
    return found


def _speed(data: Data) -> Speed:
    """Seconds of a ranking in quartiles; and whether the quickest quarter leans more than the others to the longer
    text, or to the one shown earlier."""
    seconds = np.concatenate([block.seconds for block in data.blocks]) if data.blocks else np.zeros(0)
    known = seconds[seconds >= 0]
    if not len(known):
        return {"median": None, "fast": None, "slow": None, "longer_wins": None, "earlier_wins": None}
    fast, median, slow = np.percentile(known, [25, 50, 75])
    return {
        "median": float(median), "fast": float(fast), "slow": float(slow),
        "longer_wins": _by_haste(data, "lengths", -1, float(fast)),
        "earlier_wins": _by_haste(data, "places", 1, float(fast)),
    }  # fmt: skip


def _by_haste(data: Data, item: str, direction: int, fast: float) -> Haste:
    """Share of strict pairs won by the smaller (`direction` 1) or larger (-1) of the two, quick and other rankings."""
    tops: list[Integers] = []
    bottoms: list[Integers] = []
    quick: list[Flags] = []
    prompts: list[Integers] = []
    for block in data.blocks:
        i, j = np.triu_indices(block.k, 1)
        leaning = direction * np.sign(block.items[item][:, j] - block.items[item][:, i])
        told = (block.signs != 0) & (leaning != 0) & (block.seconds >= 0)[:, None]
        tops.append(((block.signs == leaning) & told).sum(axis=1))
        bottoms.append(told.sum(axis=1))
        quick.append(block.seconds <= fast)
        prompts.append(block.prompt)
    top, bottom, prompt = np.concatenate(tops), np.concatenate(bottoms), np.concatenate(prompts)
    hasty = np.concatenate(quick)
    ours, others = (top * hasty, bottom * hasty), (top * ~hasty, bottom * ~hasty)
    return {
        "quick": share(ratio(*ours, prompt)), "others": share(ratio(*others, prompt)),
        "difference": share(difference_of_shares(ours, others, prompt)),
    }  # fmt: skip
