"""Agreement of raters: over pairs of rankings with ties, and over categories or grades.

An order is a sequence of dense ranks (0 is best, equal ranks are ties). `None` means undefined, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from common.stats.arrays import Floats


@dataclass(frozen=True)
class PairAgreement:
    """Three readings of how two raters agree on the same pairs."""

    strict: float | None  # share with the same sign, ties being a sign
    tie_discounted: float | None  # half a point where exactly one of them sees a tie
    tie_excluded: float | None  # only pairs on which both see a difference
    pairs: int
    strict_pairs: int


def signs(ranks: ArrayLike) -> Floats:
    """For every i < j: +1 where i is ranked above j, -1 below, 0 tied."""
    values = np.asarray(ranks, dtype=float)
    first, second = np.triu_indices(len(values), k=1)
    differences: Floats = values[second] - values[first]
    return np.sign(differences)


def pair_points(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """Per pair of signs: strict, tie-discounted and tie-excluded points, and whether both are strict."""
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    same = (left == right).astype(float)
    one_tie = ((left == 0) ^ (right == 0)).astype(float)
    both = ((left != 0) & (right != 0)).astype(float)
    return same, same + 0.5 * one_tie, same * both, both


def pair_agreement(a: ArrayLike, b: ArrayLike) -> PairAgreement:
    """Agreement of two raters' signs (`signs`) over the same pairs."""
    strict, discounted, excluded, both = pair_points(a, b)
    n, n_strict = len(strict), int(both.sum())
    return PairAgreement(
        strict=float(strict.mean()) if n else None,
        tie_discounted=float(discounted.mean()) if n else None,
        tie_excluded=float(excluded.sum() / n_strict) if n_strict else None,
        pairs=n,
        strict_pairs=n_strict,
    )


def tau_b(a: ArrayLike, b: ArrayLike) -> float | None:
    """Kendall's tau-b of two orders of the same items; None where one of them ties everything."""
    left, right = signs(a), signs(b)
    untied_left, untied_right = np.count_nonzero(left), np.count_nonzero(right)
    if untied_left == 0 or untied_right == 0:
        return None
    return float((left * right).sum() / math.sqrt(untied_left * untied_right))


def krippendorff_alpha(table: ArrayLike, level: str = "nominal") -> float | None:
    """Krippendorff's alpha of a raters x units table, NaN where a rater gave none.

    None where no unit has two values, or where only one value was ever given.

    Raises:
        ValueError: the level is not nominal, ordinal or interval.
    """
    if level not in {"nominal", "ordinal", "interval"}:
        raise ValueError(f"{level!r} is not nominal, ordinal or interval")
    values = np.asarray(table, dtype=float)
    known = ~np.isnan(values)
    categories = np.unique(values[known])
    if len(categories) < 2:
        return None
    counts = np.stack([(values == c).sum(axis=0) for c in categories], axis=1).astype(float)  # units x categories
    return alpha_of_coincidences(coincidences(counts), categories, level)


def coincidences(counts: ArrayLike) -> Floats:
    """The coincidence matrix of a units x categories table of how many raters gave each value."""
    table = np.asarray(counts, dtype=float)
    per_unit = table.sum(axis=1)
    table, per_unit = table[per_unit >= 2], per_unit[per_unit >= 2]
    weights = table / (per_unit - 1)[:, None]
    found: Floats = weights.T @ table - np.diag(weights.sum(axis=0))
    return found


def alpha_of_coincidences(observed: Floats, categories: ArrayLike, level: str) -> float | None:
    """Krippendorff's alpha out of a coincidence matrix."""
    totals = observed.sum(axis=1)
    n = totals.sum()
    if n <= 1:
        return None
    distances = _distances(np.asarray(categories, dtype=float), totals, level)
    expected = float((np.outer(totals, totals) * distances).sum() / (n * (n - 1)))
    if expected == 0:
        return None
    return 1 - float((observed * distances).sum() / n) / expected


def _distances(categories: Floats, totals: Floats, level: str) -> Floats:
    if level == "nominal":
        return 1.0 - np.eye(len(categories))
    if level == "interval":
        return np.subtract.outer(categories, categories) ** 2
    # ordinal: (sum of n_g from c to k, less half of both ends) squared
    middles = np.cumsum(totals) - totals / 2
    return np.subtract.outer(middles, middles) ** 2


def fleiss_sums(counts: ArrayLike) -> Floats:
    """What Fleiss' kappa is made of, a row for each unit of a units x categories table of how many raters gave each
    value: 1, the share of its pairs of raters that agree, and the share of each category. Rows add up."""
    table = np.asarray(counts, dtype=float)
    table = table[table.sum(axis=1) >= 2]
    raters = table.sum(axis=1)
    agreeing = ((table**2).sum(axis=1) - raters) / (raters * (raters - 1))
    return np.column_stack([np.ones(len(table)), agreeing, table / raters[:, None]])


def kappa_of_sums(sums: Floats) -> float | None:
    """Fleiss' kappa (Psychological Bulletin 76, 1971) out of the sum of the rows of `fleiss_sums`; units may have
    different numbers of raters and count alike. None where chance alone would agree always."""
    if not sums[0]:
        return None
    by_chance = float(((sums[2:] / sums[0]) ** 2).sum())
    return float((sums[1] / sums[0] - by_chance) / (1 - by_chance)) if by_chance < 1 - 1e-12 else None


def fleiss_kappa(counts: ArrayLike) -> float | None:
    """Fleiss' kappa of a units x categories table of how many raters gave each value."""
    return kappa_of_sums(fleiss_sums(counts).sum(axis=0))


def cohen_kappa(
    a: Sequence[float], b: Sequence[float], *, weights: str = "none", categories: Sequence[float] | None = None
) -> float | None:
    """Cohen's kappa; `weights="quadratic"` for grades. None where chance alone would agree always.

    Raises:
        ValueError: unknown weights.
    """
    if weights not in {"none", "quadratic"}:
        raise ValueError(f"{weights!r} is not none or quadratic")
    if not len(a):
        return None
    levels = sorted(set(categories) if categories is not None else {*a, *b})
    place = {value: index for index, value in enumerate(levels)}
    table = np.zeros((len(levels), len(levels)))
    np.add.at(table, ([place[v] for v in a], [place[v] for v in b]), 1.0)
    table /= table.sum()
    steps = np.arange(len(levels))
    if weights == "quadratic" and len(levels) > 1:
        credit = 1 - np.subtract.outer(steps, steps) ** 2 / (len(levels) - 1) ** 2
    else:
        credit = np.eye(len(levels))
    observed = float((table * credit).sum())
    by_chance = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * credit).sum())
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else None


def rater_accuracy(agreement: float) -> float | None:
    """How often one rater is right, if two agree on binary pairs at this rate and err independently."""
    return (1 + math.sqrt(2 * agreement - 1)) / 2 if agreement >= 0.5 else None


def majority_accuracy(accuracy: float, votes: int) -> float:
    """How often the majority of `votes` raters is right; an even split counts half."""
    terms = [math.comb(votes, k) * accuracy**k * (1 - accuracy) ** (votes - k) for k in range(votes + 1)]
    return sum(t * (1.0 if 2 * k > votes else 0.5 if 2 * k == votes else 0.0) for k, t in enumerate(terms))


def votes_needed(agreement: float, target: float, limit: int = 15) -> int | None:
    """The smallest odd number of votes whose majority is right at least as often as `target`."""
    accuracy = rater_accuracy(agreement)
    if accuracy is None:
        return None
    return next((n for n in range(1, limit + 1, 2) if majority_accuracy(accuracy, n) >= target), None)
