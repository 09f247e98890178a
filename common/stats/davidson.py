"""Davidson's model of pairs with ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats, Integers, counted
from common.stats.fit import PRIOR, Fit
from common.stats.intervals import Z95


def davidson(
    first: ArrayLike, second: ArrayLike, outcome: ArrayLike, *, models: int, clusters: ArrayLike, prior: float = PRIOR
) -> Fit:
    """Davidson's model: P(tie) proportional to nu * sqrt(pi_i pi_j). Strengths with 95% intervals from the covariance
    clustered by prompt, and nu."""
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    cell = i * models + j
    counts = [np.bincount(cell, weights=(y == v).astype(float), minlength=models**2) for v in (1.0, 0.5, 0.0)]
    used = np.flatnonzero(sum(counts))
    a, b = used // models, used % models
    win, tie, loss = (np.asarray(c[used], dtype=float) for c in counts)
    total: Floats = win + tie + loss

    def negative(parameters: Floats) -> tuple[float, Floats]:
        log_chance = _log_chances(parameters, a, b)
        chance = np.exp(log_chance)
        value = -(win * log_chance[0] + tie * log_chance[1] + loss * log_chance[2]).sum()
        slope = ((win - loss) - total * (chance[0] - chance[2])) / 2
        gradient = np.zeros(models + 1)
        np.add.at(gradient, a, -slope)
        np.add.at(gradient, b, slope)
        gradient[models] = -(tie - total * chance[1]).sum()
        return float(value + 0.5 * prior * (parameters**2).sum()), gradient + prior * parameters

    from scipy.optimize import minimize  # slow to import, and seldom needed

    found = minimize(negative, np.zeros(models + 1), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    found[:models] -= found[:models].mean()
    _, group = np.unique(np.asarray(clusters), return_inverse=True)
    groups = int(group.max()) + 1 if len(group) else 0
    spread = np.full(models, np.nan)
    if groups > 1:
        information: Floats = _information(found, a, b, total) + prior * np.eye(models + 1)
        bread = np.linalg.inv(information)
        scores = _scores(found, i, j, y, group, groups)
        covariance = bread @ (scores.T @ scores * groups / (groups - 1)) @ bread
        spread = Z95 * np.sqrt(np.maximum(np.diag(covariance)[:models], 0))
    theta = found[:models]
    return Fit(theta, theta - spread, theta + spread, {}, float(np.exp(found[models])), len(y), groups)


def _log_chances(parameters: Floats, a: Integers, b: Integers) -> Floats:
    """Of `a` over `b`, of a tie, and of `b` over `a`: three rows."""
    half = (parameters[a] - parameters[b]) / 2
    terms = np.stack([half, np.full(len(a), parameters[-1]), -half])
    top = terms.max(axis=0)
    found: Floats = terms - (top + np.log(np.exp(terms - top).sum(axis=0)))
    return found


def _information(parameters: Floats, a: Integers, b: Integers, total: Floats) -> Floats:
    """Of `total` pairs of each two models, about the strengths and log nu."""
    above, tied, below = np.exp(_log_chances(parameters, a, b))
    lean = (above - below) / 2  # the mean of the slope by the difference of strengths
    difference, tie, mixed = (above + below) / 4 - lean**2, tied * (1 - tied), -lean * tied
    found = np.zeros((len(parameters), len(parameters)))
    nu = len(parameters) - 1
    for one, other, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
        np.add.at(found, (one, other), sign * total * difference)
    for one, sign in ((a, 1), (b, -1)):
        np.add.at(found, (one, np.full(len(one), nu)), sign * total * mixed)
        np.add.at(found, (np.full(len(one), nu), one), sign * total * mixed)
    found[nu, nu] = (total * tie).sum()
    return found


def _scores(parameters: Floats, i: Integers, j: Integers, y: Floats, group: Integers, groups: int) -> Floats:
    """The slope of the log-likelihood of each cluster's pairs."""
    above, tied, below = np.exp(_log_chances(parameters, i, j))
    models = len(parameters) - 1
    slope = ((y == 1.0).astype(float) - (y == 0.0) - (above - below)) / 2
    of_models = counted(group * models + i, slope, groups * models) - counted(
        group * models + j, slope, groups * models
    )
    of_ties = counted(group, (y == 0.5) - tied, groups)
    return np.column_stack([of_models.reshape(groups, models), of_ties])
