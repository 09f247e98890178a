"""A trainer's fall in accuracy, seen early: a Bernoulli CUSUM over calibration pairs in order of time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Between a good trainer (80% of calibration pairs right) and a failing one (60%). The threshold is the
# smallest with at most 5% false alarms in 500 pairs; tests/common/test_drift.py simulates both.
GOOD, FAILING, THRESHOLD = 0.8, 0.6, 6.5


@dataclass(frozen=True)
class Drift:
    alarm_at: int | None  # number of the pair (from 1) at which it rang first
    score: float  # the statistic now
    threshold: float
    path: tuple[float, ...]
    n: int
    right: int


def cusum(
    results: Iterable[bool], *, good: float = GOOD, failing: float = FAILING, threshold: float = THRESHOLD
) -> Drift:
    """Sum the evidence for `failing` over `good`, never below zero; ring where it passes the threshold.

    A step is the log-likelihood ratio in units of the distance between a wrong and a right pair, so
    that `threshold` counts about as wrong pairs beyond what was to be expected.

    Raises:
        ValueError: not 0 < failing < good < 1.
    """
    if not 0 < failing < good < 1:
        raise ValueError("0 < failing < good < 1 must hold")
    right_step, wrong_step = math.log(failing / good), math.log((1 - failing) / (1 - good))
    unit = wrong_step - right_step
    score, alarm_at, path, right, n = 0.0, None, [], 0, 0
    for n, result in enumerate(results, start=1):
        right += bool(result)
        score = max(0.0, score + (right_step if result else wrong_step) / unit)
        path.append(score)
        if alarm_at is None and score >= threshold:
            alarm_at = n
    return Drift(alarm_at, score, threshold, tuple(path), n, right)
