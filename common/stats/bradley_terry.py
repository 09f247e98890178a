"""Bradley-Terry strengths of model versions out of pairs, with ties and style control.

Pairs come as arrays: `first`, `second` (indices of models), `outcome` (1, 0, or 0.5 for a tie), a cluster per pair
(its prompt). Strengths sum to zero; a weak L2 prior keeps models finite that were never beaten, and tells disconnected
groups nothing about each other. Intervals count whole prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from common.stats.arrays import Floats, Integers, counted
from common.stats.fit import PRIOR, Fit
from common.stats.intervals import BOOTSTRAP_UP_TO, DRAWS, Z95, Estimate, resamples

STEPS = 50  # of Newton's method; a handful is what it takes


@dataclass(frozen=True)
class _Design:
    """Rows of the regression: +1 at the first, -1 at the second model, then the features; its coefficients are `beta`,
    strengths first."""

    first: Integers
    second: Integers
    outcome: Floats
    features: Floats  # a column each
    weight: Floats
    models: int

    @property
    def size(self) -> int:
        return self.models + int(self.features.shape[1])

    def chance(self, beta: Floats) -> Floats:
        """Of the first to win, per row."""
        found: Floats = expit(beta[self.first] - beta[self.second] + self.features @ beta[self.models :])
        return found

    def sums(self, values: Floats) -> Floats:
        """The transposed design times `values`."""
        ahead = counted(self.first, values, self.models)
        behind = counted(self.second, values, self.models)
        return np.concatenate([ahead - behind, self.features.T @ values])

    def information(self, weight: Floats) -> Floats:
        """The transposed design times the weighted design."""
        n = self.models
        cells = counted(self.first * n + self.second, weight, n * n).reshape(n, n)
        both = cells + cells.T
        found = np.zeros((self.size, self.size))
        found[:n, :n] = np.diag(both.sum(axis=1)) - both
        for p in range(self.features.shape[1]):
            column = self.sums(weight * self.features[:, p])
            found[n + p, :] = column
            found[:, n + p] = column
        return found

    def weighted(self, weight: Floats) -> _Design:
        """The same rows counted `weight` times each. Without features only sums per ordered pair of models matter: as
        fast for a million pairs as for a hundred."""
        if self.features.shape[1]:
            return replace(self, weight=weight)
        cell = self.first * self.models + self.second
        total = counted(cell, weight, self.models**2)
        wins = counted(cell, weight * self.outcome, self.models**2)
        used = np.flatnonzero(total)
        return _Design(
            first=used // self.models,
            second=used % self.models,
            outcome=wins[used] / total[used],
            features=np.zeros((len(used), 0)),
            weight=total[used],
            models=self.models,
        )


def bradley_terry(
    first: ArrayLike,
    second: ArrayLike,
    outcome: ArrayLike,
    *,
    models: int,
    clusters: ArrayLike,
    features: Sequence[ArrayLike] = (),
    names: Sequence[str] = (),
    prior: float = PRIOR,
    draws: int = DRAWS,
    seed: int = 0,
) -> Fit:
    """P(first > second) = sigmoid(strength_first - strength_second + effects . features); a tie is half a win.

    Without features and up to BOOTSTRAP_UP_TO prompts, intervals are percentiles of a bootstrap over
    prompts; otherwise they come from the clustered (sandwich) covariance, its first-order equal.
    Pairs within one model say nothing about strengths, but count for the effects.
    """
    design = _design(first, second, outcome, features, models)
    pairs = len(design.outcome)
    _, group = np.unique(np.asarray(clusters), return_inverse=True)
    groups = int(group.max()) + 1 if len(group) else 0
    beta, information = _newton(design.weighted(design.weight), prior)
    low = high = np.full(len(beta), np.nan)
    if groups >= 2:
        if not features and groups <= BOOTSTRAP_UP_TO and draws:
            low, high = _bootstrap(design, beta, group, groups, prior=prior, draws=draws, seed=seed)
        else:
            spread = Z95 * np.sqrt(np.maximum(np.diag(_sandwich(design, beta, information, group, groups)), 0))
            low, high = beta - spread, beta + spread
    effects = {
        name: Estimate(
            float(beta[models + p]), *_ends(low[models + p], high[models + p]), clusters=groups, n=float(pairs)
        )
        for p, name in enumerate(names)
    }
    return Fit(beta[:models], low[:models], high[:models], effects, None, pairs, groups)


def _design(
    first: ArrayLike, second: ArrayLike, outcome: ArrayLike, features: Sequence[ArrayLike], models: int
) -> _Design:
    won = np.asarray(outcome, dtype=float)
    columns = [np.asarray(feature, dtype=float) for feature in features]
    return _Design(
        first=np.asarray(first, dtype=np.int64),
        second=np.asarray(second, dtype=np.int64),
        outcome=won,
        features=np.column_stack(columns) if columns else np.zeros((len(won), 0)),
        weight=np.ones(len(won)),
        models=models,
    )


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (None, None) if math.isnan(low) else (float(low), float(high))


def _newton(design: _Design, prior: float) -> tuple[Floats, Floats]:
    """The coefficients with the highest penalised likelihood, and the information there."""
    beta = np.zeros(design.size)
    penalty = np.full(design.size, prior)
    information = np.diag(penalty)
    for _ in range(STEPS):
        chance = design.chance(beta)
        gradient = design.sums(design.weight * (design.outcome - chance)) - penalty * beta
        information = design.information(design.weight * chance * (1 - chance)) + np.diag(penalty)
        step = np.linalg.solve(information, gradient)
        largest = float(np.abs(step).max()) if design.size else 0.0
        beta = beta + step * min(1.0, 4.0 / largest) if largest else beta
        if largest < 1e-10:
            break
    beta[: design.models] -= beta[: design.models].mean()  # the likelihood does not see it; rounding may have moved it
    return beta, information


def _bootstrap(
    design: _Design, beta: Floats, group: Integers, groups: int, *, prior: float, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Percentiles over resampled prompts; all draws take Newton's steps together. Only sums per ordered pair of
    models matter, since there are no features."""
    n = design.models
    cells, at = np.unique(design.first * n + design.second, return_inverse=True)
    sizes = (groups, len(cells))
    times = resamples(groups, draws, seed)
    total = times @ counted(group * sizes[1] + at, design.weight, groups * sizes[1]).reshape(sizes)
    wins = times @ counted(group * sizes[1] + at, design.weight * design.outcome, groups * sizes[1]).reshape(sizes)
    sides = np.zeros((len(cells), n))  # +1 at the first, -1 at the second
    np.add.at(sides, (np.arange(len(cells)), cells // n), 1)
    np.add.at(sides, (np.arange(len(cells)), cells % n), -1)
    squares = (sides[:, :, None] * sides[:, None, :]).reshape(len(cells), n * n)
    copies = np.tile(beta[:n], (draws, 1))
    for _ in range(STEPS):
        chance = expit(copies @ sides.T)
        gradient = (wins - total * chance) @ sides - prior * copies
        information = (total * chance * (1 - chance) @ squares).reshape(draws, n, n) + prior * np.eye(n)
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        copies += step * np.minimum(1.0, 4.0 / np.maximum(largest, 1e-300))
        if largest.max() < 1e-10:
            break
    copies -= copies.mean(axis=1, keepdims=True)
    low, high = np.percentile(copies, [2.5, 97.5], axis=0)
    return low, high


def _sandwich(design: _Design, beta: Floats, information: Floats, group: Integers, groups: int) -> Floats:
    """The covariance clustered by prompt."""
    residual = design.outcome - design.chance(beta)
    scores = np.zeros((groups, design.size))
    of_models = np.zeros((groups, design.models))  # contiguous: adding into a slice of `scores` is far slower
    np.add.at(of_models, (group, design.first), residual)
    np.add.at(of_models, (group, design.second), -residual)
    scores[:, : design.models] = of_models
    for p in range(design.features.shape[1]):
        weights = residual * design.features[:, p]
        scores[:, design.models + p] = counted(group, weights, groups)
    bread = np.linalg.inv(information)
    meat = scores.T @ scores * groups / (groups - 1)
    covariance: Floats = bread @ meat @ bread
    return covariance
