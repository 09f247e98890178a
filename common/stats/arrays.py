"""The kinds of numpy arrays that the statistics take and give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def counted(index: Integers, weights: Floats, size: int = 0) -> Floats:
    """Sums of `weights` by index, at least `size` of them."""
    return np.asarray(np.bincount(index, weights=weights, minlength=size), dtype=float)
