"""Davidson's model of pairs with ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats
from common.stats.fit import PRIOR, Fit


def davidson(first: ArrayLike, second: ArrayLike, outcome: ArrayLike, *, models: int, prior: float = PRIOR) -> Fit:
    """Davidson's model: P(tie) proportional to nu * sqrt(pi_i pi_j). Point estimates and nu."""
    i, j = np.asarray(first, dtype=np.intp), np.asarray(second, dtype=np.intp)
    y = np.asarray(outcome, dtype=float)
    cell = i * models + j
    counts = [np.bincount(cell, weights=(y == v).astype(float), minlength=models**2) for v in (1.0, 0.5, 0.0)]
    used = np.flatnonzero(sum(counts))
    a, b = used // models, used % models
    win, tie, loss = (c[used] for c in counts)

    def negative(parameters: Floats) -> tuple[float, Floats]:
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
