"""A trainer's fall in accuracy, seen early: a CUSUM over hidden items in order of time.

An item is one observation, the share of its known pairs that were ordered right, a tie being half: pairs of one item
are not independent, and taken one by one they ring for trainers who are as good as ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Between a good trainer (80% of calibration pairs right) and a failing one (60%). With the threshold 3%
# of good trainers ring in 500 items of one pair; tests/labeling/test_drift_over_seeds.py simulates others too.
GOOD, FAILING, THRESHOLD = 0.8, 0.6, 7.0


@dataclass(frozen=True)
class Drift:
    alarm_at: int | None  # number of the item (from 1) at which it rang first
    score: float  # the statistic now
    threshold: float
    path: tuple[float, ...]
    n: int
    right: float  # sum of the shares


def cusum(
    results: Iterable[float], *, good: float = GOOD, failing: float = FAILING, threshold: float = THRESHOLD
) -> Drift:
    """Sum the evidence for `failing` over `good`, never below zero; ring where it passes the threshold.

    A result is from 0 (all wrong) to 1 (all right). A step is the log-likelihood ratio in units of the distance
    between a wrong and a right item, so that `threshold` counts about as wrong items beyond what was to be expected.

    Raises:
        ValueError: not 0 < failing < good < 1.
    """
    if not 0 < failing < good < 1:
        raise ValueError("0 < failing < good < 1 must hold")
    right_step, wrong_step = math.log(failing / good), math.log((1 - failing) / (1 - good))
    unit = wrong_step - right_step
    score, alarm_at, path, right, n = 0.0, None, [], 0.0, 0
    for n, result in enumerate(results, start=1):
        right += result
        score = max(0.0, score + (result * right_step + (1 - result) * wrong_step) / unit)
        path.append(score)
        if alarm_at is None and score >= threshold:
            alarm_at = n
    return Drift(alarm_at, score, threshold, tuple(path), n, right)
