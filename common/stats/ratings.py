"""Strengths of model versions out of pairs: Bradley-Terry with ties, style control, Davidson's tie model.

Pairs come as arrays: `first`, `second` (indices of models), `outcome` (1, 0, or 0.5 for a tie), a
cluster per pair (its prompt). Strengths sum to zero; a weak L2 prior keeps models finite that were
never beaten, and tells disconnected groups nothing about each other. Intervals count whole prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from common.stats.intervals import Z95, Estimate

Array = NDArray[Any]
PRIOR = 0.01  # of a squared strength: a hundredth of a pair
BOOTSTRAP_UP_TO = 200_000  # pairs


@dataclass(frozen=True)
class Fit:
    """Strengths (log-odds, sum zero) and effects with 95% intervals; `tie` is Davidson's nu."""

    strengths: Array
    low: Array
    high: Array
    effects: dict[str, Estimate] = field(default_factory=dict)
    tie: float | None = None
    pairs: int = 0
    clusters: int = 0


def elo(strength: ArrayLike) -> Array:
    """Strength on the familiar scale: 1000 is the mean, 400 points are odds of ten to one."""
    return 400 / math.log(10) * np.asarray(strength, dtype=float) + 1000


def relative_difference(a: ArrayLike, b: ArrayLike) -> Array:
    """(a - b) / (a + b) in units of its root mean square: how much longer, or richer in lists, the first is.

    Divided but not centred: exchanging first and second must only change the sign.
    """
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    total = left + right
    raw = np.divide(left - right, total, out=np.zeros_like(total), where=total > 0)
    scale = float(np.sqrt(np.mean(raw**2))) if len(raw) else 0.0
    return raw / scale if scale > 0 else raw


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
    draws: int = 200,
    seed: int = 0,
) -> Fit:
    """P(first > second) = sigmoid(strength_first - strength_second + effects . features); a tie is half a win.

    Without features and up to BOOTSTRAP_UP_TO pairs, intervals are percentiles of a bootstrap over
    prompts; otherwise they come from the clustered (sandwich) covariance, its first-order equal.
    Pairs within one model say nothing about strengths, but count for the effects.
    """
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    x = np.column_stack([np.asarray(f, dtype=float) for f in features]) if len(features) else np.zeros((len(y), 0))
    _, group = np.unique(np.asarray(clusters), return_inverse=True)
    n_groups = int(group.max()) + 1 if len(group) else 0
    ones = np.ones(len(y))
    beta, information = _newton(i, j, y, x, ones, models, prior)
    covariance, enough = _sandwich(i, j, y, x, beta, information, group, n_groups, models)
    spread = Z95 * np.sqrt(np.maximum(np.diag(covariance), 0)) if enough else np.full(len(beta), np.nan)
    low, high = beta - spread, beta + spread
    if enough and not x.shape[1] and len(y) <= BOOTSTRAP_UP_TO and draws:
        rng = np.random.default_rng(seed)
        copies = np.empty((draws, models))
        for d in range(draws):
            times = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups))[group].astype(float)
            copies[d] = _newton(i, j, y, x, times, models, prior, start=beta)[0]
        low, high = np.percentile(copies, [2.5, 97.5], axis=0)
    effects = {
        name: Estimate(
            float(beta[models + p]), *_pair(low[models + p], high[models + p]), clusters=n_groups, n=float(len(y))
        )
        for p, name in enumerate(names)
    }
    return Fit(beta[:models], low[:models], high[:models], effects, None, len(y), n_groups)


def _pair(low: float, high: float) -> tuple[float | None, float | None]:
    return (None, None) if math.isnan(low) else (float(low), float(high))


def _design_sum(i: Array, j: Array, x: Array, values: Array, models: int) -> Array:
    """Transposed design times `values`: +1 at the first, -1 at the second model, then the features."""
    strengths = np.bincount(i, weights=values, minlength=models) - np.bincount(j, weights=values, minlength=models)
    return np.concatenate([strengths, x.T @ values])


def _newton(
    i: Array, j: Array, y: Array, x: Array, weight: Array, models: int, prior: float, start: Array | None = None
) -> tuple[Array, Array]:
    size = models + x.shape[1]
    beta = np.zeros(size) if start is None else start.copy()
    if not x.shape[1]:  # only sums per ordered pair of models matter: as fast for a million pairs as for a hundred
        cell = i * models + j
        total = np.bincount(cell, weights=weight, minlength=models * models)
        wins = np.bincount(cell, weights=weight * y, minlength=models * models)
        used = np.flatnonzero(total)
        i, j, x = used // models, used % models, np.zeros((len(used), 0))
        weight = total[used]
        y = wins[used] / weight
    penalty = np.full(size, prior)
    for _ in range(50):
        p = expit(beta[i] - beta[j] + x @ beta[models:])
        gradient = _design_sum(i, j, x, weight * (y - p), models) - penalty * beta
        information = _information(i, j, x, weight * p * (1 - p), models) + np.diag(penalty)
        step = np.linalg.solve(information, gradient)
        largest = float(np.abs(step).max()) if size else 0.0
        beta = beta + step * min(1.0, 4.0 / largest) if largest else beta
        if largest < 1e-10:
            break
    beta[:models] -= beta[:models].mean()  # the likelihood does not see it; rounding may have moved it
    return beta, information


def _information(i: Array, j: Array, x: Array, w: Array, models: int) -> Array:
    size = models + x.shape[1]
    cells = np.bincount(i * models + j, weights=w, minlength=models * models).reshape(models, models)
    both = cells + cells.T
    out = np.zeros((size, size))
    out[:models, :models] = np.diag(both.sum(axis=1)) - both
    for p in range(x.shape[1]):
        column = _design_sum(i, j, x, w * x[:, p], models)
        out[models + p, :] = column
        out[:, models + p] = column
    return out


def _sandwich(
    i: Array, j: Array, y: Array, x: Array, beta: Array, information: Array, group: Array, n_groups: int, models: int
) -> tuple[Array, bool]:
    """Clustered covariance, and whether there are clusters enough to speak of one."""
    size = len(beta)
    if n_groups < 2:
        return np.zeros((size, size)), False
    residual = y - expit(beta[i] - beta[j] + x @ beta[models:])
    scores = np.zeros((n_groups, size))
    flat = scores[:, :models].copy()
    np.add.at(flat, (group, i), residual)
    np.add.at(flat, (group, j), -residual)
    scores[:, :models] = flat
    for p in range(x.shape[1]):
        scores[:, models + p] = np.bincount(group, weights=residual * x[:, p], minlength=n_groups)
    bread = np.linalg.inv(information)
    meat = scores.T @ scores * n_groups / (n_groups - 1)
    return bread @ meat @ bread, True


def davidson(first: ArrayLike, second: ArrayLike, outcome: ArrayLike, *, models: int, prior: float = PRIOR) -> Fit:
    """Davidson's model: P(tie) proportional to nu * sqrt(pi_i pi_j). Point estimates and nu."""
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    cell = i * models + j
    counts = [np.bincount(cell, weights=(y == v).astype(float), minlength=models**2) for v in (1.0, 0.5, 0.0)]
    used = np.flatnonzero(sum(counts))
    a, b = used // models, used % models
    win, tie, loss = (c[used] for c in counts)

    def negative(parameters: Array) -> tuple[float, Array]:
        theta, log_nu = parameters[:models], parameters[models]
        terms = np.stack([(theta[a] - theta[b]) / 2, np.full(len(a), log_nu), (theta[b] - theta[a]) / 2])
        top = terms.max(axis=0)
        norm = top + np.log(np.exp(terms - top).sum(axis=0))
        chance = np.exp(terms - norm)
        total = win + tie + loss
        value = -(win * (terms[0] - norm) + tie * (terms[1] - norm) + loss * (terms[2] - norm)).sum()
        slope = ((win - loss) - total * (chance[0] - chance[2])) / 2
        gradient = np.zeros(models + 1)
        np.add.at(gradient, a, -slope)
        np.add.at(gradient, b, slope)
        gradient[models] = -(tie - total * chance[1]).sum()
        penalty = np.append(np.full(models, prior), prior)
        return float(value + 0.5 * (penalty * parameters**2).sum()), gradient + penalty * parameters

    from scipy.optimize import minimize  # slow to import, and seldom needed

    found = minimize(negative, np.zeros(models + 1), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    theta = found[:models] - found[:models].mean()
    unknown = np.full(models, np.nan)
    return Fit(theta, unknown, unknown, {}, float(np.exp(found[models])), len(y), 0)


def win_rates(first: ArrayLike, second: ArrayLike, outcome: ArrayLike, *, models: int) -> tuple[Array, Array]:
    """Points of row against column, and number of pairs; a tie is half a point."""
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    points = np.bincount(i * models + j, weights=y, minlength=models**2).reshape(models, models)
    points = points + np.bincount(j * models + i, weights=1 - y, minlength=models**2).reshape(models, models)
    counts = np.bincount(i * models + j, minlength=models**2).reshape(models, models).astype(float)
    return points, counts + counts.T
