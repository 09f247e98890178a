"""Ratings of the model versions: win rates, Bradley-Terry with ties, Davidson, Plackett-Luce, with length and
style held equal; and the newest against the one before."""

from __future__ import annotations

import numpy as np

from common.stats.arrays import Floats, Integers
from common.stats.bradley_terry import bradley_terry
from common.stats.davidson import davidson
from common.stats.fit import Fit, elo, relative_difference, win_rates
from common.stats.intervals import ratio
from common.stats.plackett_luce import plackett_luce
from insights.judgement_arrays import Data, Pairs
from insights.report_types import Duel, Interval, ModelRating, Ratings, WinRate, share

LUCE_SAMPLE = 2000  # rankings; the cost of ties grows with distinct patterns
ENOUGH = 2  # models met in pairs
EFFECTS = ("length", "headers", "lists", "bold", "shown earlier")
UNKNOWN: Interval = {"value": None, "low": None, "high": None}


def ratings(data: Data, pairs: Pairs, duel: Duel | None = None) -> Ratings:
    """Of the model versions that were met in pairs; `duel` is the newest against the one before."""
    pairs = with_shared_texts(pairs, data)
    between = pairs.first != pairs.second
    met = np.unique(np.concatenate([pairs.first[between], pairs.second[between]]))
    if len(met) < ENOUGH:
        return {
            "models": [], "effects": _style_alone(pairs), "ties": None, "luce_rankings": 0, "matrix": [],
            "new_against_previous": duel,
        }  # fmt: skip
    place = np.full(len(data.models), -1)
    place[met] = np.arange(len(met))
    first, second = place[pairs.first[between]], place[pairs.second[between]]
    outcome, prompt = pairs.outcome[between], pairs.prompt[between]
    n = len(met)
    plain = bradley_terry(first, second, outcome, models=n, clusters=prompt)
    features = [feature[between] for feature in style_features(pairs)]
    held_equal = bradley_terry(
        first, second, outcome, models=n, clusters=prompt, features=features, names=EFFECTS, draws=0
    )
    tied = davidson(first, second, outcome, models=n, clusters=prompt)
    luce, used = _luce(data, place, n)
    points, counts = win_rates(first, second, outcome, models=n)
    names = [data.models[m] for m in met]
    models = [
        _model(name, m, points, counts, plain=plain, tied=tied, luce=luce, held_equal=held_equal)
        for m, name in enumerate(names)
    ]
    return {
        "models": sorted(models, key=lambda row: -(row["bradley_terry"]["value"] or 0.0)),
        "effects": {name: _effect(held_equal, name) for name in EFFECTS},
        "ties": tied.tie,
        "luce_rankings": used,
        "matrix": _matrix(names, points, counts),
        "new_against_previous": duel,
    }


def with_shared_texts(pairs: Pairs, data: Data) -> Pairs:
    """The pairs, and a tie for each text that two model versions wrote: alike in everything, but for who wrote it."""
    if not data.shared:
        return pairs
    one = np.array([text.one for text in data.shared], dtype=np.int32)
    other = np.array([text.other for text in data.shared], dtype=np.int32)
    alike = np.zeros(len(one), dtype=np.int32)
    return Pairs(
        first=np.concatenate([pairs.first, one]),
        second=np.concatenate([pairs.second, other]),
        outcome=np.concatenate([pairs.outcome, np.full(len(one), 0.5)]),
        prompt=np.concatenate([pairs.prompt, np.array([text.prompt for text in data.shared], dtype=np.int64)]),
        first_items={name: np.concatenate([column, alike]) for name, column in pairs.first_items.items()},
        second_items={name: np.concatenate([column, alike]) for name, column in pairs.second_items.items()},
    )


def _model(
    name: str, m: int, points: Floats, counts: Floats, *, plain: Fit, tied: Fit, luce: Fit | None, held_equal: Fit
) -> ModelRating:
    strength = _at(plain, m)
    return {
        "name": name,
        "pairs": int(counts[m].sum()),
        "win_rate": float(points[m].sum() / counts[m].sum()),
        "bradley_terry": strength,
        "elo": {"value": _elo(strength["value"]), "low": _elo(strength["low"]), "high": _elo(strength["high"])},
        "davidson": _at(tied, m),
        "plackett_luce": _at(luce, m) if luce else None,
        "style_held_equal": _at(held_equal, m),
    }


def _matrix(names: list[str], points: Floats, counts: Floats) -> list[WinRate]:
    return [
        {"name": name, "against": other, "points": float(points[a, b]), "pairs": int(counts[a, b])}
        for a, name in enumerate(names)
        for b, other in enumerate(names)
        if a != b and counts[a, b]
    ]


def style_features(pairs: Pairs) -> list[Floats]:
    """How much longer, and richer in headers, lists and bold, the first is; and whether it was shown earlier."""
    ahead, behind = pairs.first_items, pairs.second_items
    columns = [relative_difference(ahead[name], behind[name]) for name in ("lengths", "headers", "lists", "bolds")]
    return [*columns, np.sign(behind["places"] - ahead["places"]).astype(float)]


def _style_alone(pairs: Pairs) -> dict[str, Interval]:
    """One model alone still tells what length and style do."""
    if len(pairs) < 2:
        return {}
    zeros = np.zeros(len(pairs), dtype=int)
    fit = bradley_terry(
        zeros, zeros, pairs.outcome, models=1, clusters=pairs.prompt, features=style_features(pairs), names=EFFECTS,
        draws=0,
    )  # fmt: skip
    return {name: _effect(fit, name) for name in EFFECTS}


def _luce(data: Data, place: Integers, n: int) -> tuple[Fit | None, int]:
    rankings: list[tuple[tuple[int, ...], ...]] = []
    prompts: list[int] = []
    for block in data.blocks:
        for row in range(max(0, len(block) - LUCE_SAMPLE), len(block)):
            groups: dict[int, list[int]] = {}
            for model, rank in zip(place[block.items["models"][row]], block.items["ranks"][row], strict=True):
                if model >= 0:
                    groups.setdefault(int(rank), []).append(int(model))
            rankings.append(tuple(tuple(sorted(groups[rank])) for rank in sorted(groups)))
            prompts.append(int(block.prompt[row]))
    rankings, prompts = rankings[-LUCE_SAMPLE:], prompts[-LUCE_SAMPLE:]
    return (plackett_luce(rankings, prompts, models=n), len(rankings)) if rankings else (None, 0)


def _at(fit: Fit, m: int) -> Interval:
    low, high = float(fit.low[m]), float(fit.high[m])
    known = not np.isnan(low)
    return {"value": float(fit.strengths[m]), "low": low if known else None, "high": high if known else None}


def _effect(fit: Fit, name: str) -> Interval:
    """None throughout where no two completions differed in it."""
    found = fit.effects[name]
    if found.low is not None and found.low == found.high:
        return UNKNOWN
    return {"value": found.value, "low": found.low, "high": found.high}


def _elo(value: float | None) -> float | None:
    return None if value is None else float(elo(value))


def new_against_previous(data: Data, pairs: Pairs, newest: str, previous: str) -> Duel | None:
    """Share of points of the newest model version against the one before it, from pairs that hold both."""
    if newest not in data.models or previous not in data.models:
        return None
    a, b = data.models.index(newest), data.models.index(previous)
    ahead, behind = (pairs.first == a) & (pairs.second == b), (pairs.first == b) & (pairs.second == a)
    if not (ahead | behind).any():
        return None
    points = np.where(ahead, pairs.outcome, 1 - pairs.outcome) * (ahead | behind)
    return {"new": newest, "previous": previous, **share(ratio(points, ahead | behind, pairs.prompt))}
