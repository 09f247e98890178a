"""Plackett-Luce strengths out of whole rankings, ties averaged over their linear extensions.

A ranking is a tuple of tie groups, each a tuple of model indices, best first (two completions of one
model share its strength). Equal rankings are counted together, so that cost follows the number of
distinct patterns. The chance of a tie group to fill the next places in any order is a sum over the
group's subsets (at most 2^9), not over its permutations.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from common.stats.arrays import Floats
from common.stats.fit import PRIOR, Fit
from common.stats.intervals import Z95

Pattern = tuple[tuple[int, ...], ...]


def log_likelihood(pattern: Pattern, strengths: Floats) -> tuple[float, Floats]:
    """Log-probability of a ranking with ties (the mean over its linear extensions) and its gradient."""
    value, gradient = 0.0, np.zeros(len(strengths))
    rest: list[int] = []
    for place in range(len(pattern) - 1, -1, -1):
        group = pattern[place]
        if rest or len(group) > 1:
            part, slope = _group(group, rest, strengths)
            value += part - math.lgamma(len(group) + 1)
            gradient += slope
        rest = [*rest, *group]
    return value, gradient


def _group(group: tuple[int, ...], rest: Sequence[int], strengths: Floats) -> tuple[float, Floats]:
    """Log-chance that all of `group` come before all of `rest`, in any order, and its gradient.

    chance(S) = sum over the first i of S of e_i / (e(S) + e(rest)) * chance(S without i).
    """
    worth = np.exp(strengths)
    after = float(sum(worth[m] for m in rest))
    slope_after = np.zeros(len(strengths))
    for m in rest:
        slope_after[m] += worth[m]
    size = len(group)
    chance, slope = np.zeros(1 << size), np.zeros((1 << size, len(strengths)))
    chance[0] = 1.0
    for subset in range(1, 1 << size):
        members = [b for b in range(size) if subset >> b & 1]
        below = after + sum(float(worth[group[b]]) for b in members)
        slope_below = slope_after.copy()
        for b in members:
            slope_below[group[b]] += worth[group[b]]
        top, slope_top = 0.0, np.zeros(len(strengths))
        for b in members:
            w, remaining = float(worth[group[b]]), subset & ~(1 << b)
            top += w * chance[remaining]
            slope_top += w * slope[remaining]
            slope_top[group[b]] += w * chance[remaining]
        chance[subset] = top / below
        slope[subset] = slope_top / below - chance[subset] * slope_below / below
    return math.log(chance[-1]), slope[-1] / chance[-1]


def plackett_luce(
    rankings: Sequence[Pattern],
    clusters: Sequence[Hashable],
    *,
    models: int,
    prior: float = PRIOR,
    weights: Sequence[float] = (),
) -> Fit:
    """Strengths (sum zero) with 95% intervals from the covariance clustered by prompt. `weights`: how often each
    ranking counts; once where none are given."""
    often = weights or [1.0] * len(rankings)
    counts: defaultdict[Pattern, float] = defaultdict(float)
    for pattern, times in zip(rankings, often, strict=True):
        counts[pattern] += times
    patterns = list(counts)

    def negative(strengths: Floats) -> tuple[float, Floats]:
        value, gradient = prior / 2 * float((strengths**2).sum()), prior * strengths
        for pattern in patterns:
            part, slope = log_likelihood(pattern, strengths)
            value, gradient = value - counts[pattern] * part, gradient - counts[pattern] * slope
        return value, gradient

    from scipy.optimize import minimize  # slow to import, and seldom needed

    found = minimize(negative, np.zeros(models), jac=True, method="BFGS", options={"gtol": 1e-7}).x
    found = found - found.mean()
    places: dict[Hashable, int] = {}
    index = [places.setdefault(c, len(places)) for c in clusters]
    unknown = np.full(models, np.nan)
    if len(places) < 2:
        return Fit(found, unknown, unknown, {}, None, len(rankings), len(places))
    slopes = {pattern: log_likelihood(pattern, found)[1] for pattern in patterns}
    scores = np.zeros((len(places), models))
    for place, pattern, times in zip(index, rankings, often, strict=True):
        scores[place] += times * slopes[pattern]
    bread = np.linalg.pinv(_curvature(negative, found))
    covariance = bread @ (scores.T @ scores * len(places) / (len(places) - 1)) @ bread
    spread = Z95 * np.sqrt(np.maximum(np.diag(covariance), 0))
    return Fit(found, found - spread, found + spread, {}, None, len(rankings), len(places))


def _curvature(negative: Callable[[Floats], tuple[float, Floats]], at: Floats, step: float = 1e-5) -> Floats:
    out = np.zeros((len(at), len(at)))
    for k in range(len(at)):
        move = np.zeros(len(at))
        move[k] = step
        out[k] = (negative(at + move)[1] - negative(at - move)[1]) / (2 * step)
    symmetric: Floats = (out + out.T) / 2
    return symmetric
