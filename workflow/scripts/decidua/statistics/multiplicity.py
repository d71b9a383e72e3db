"""Which p-values still stand when many were looked at? A NaN stays NaN and counts for nothing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


def holm(p: ArrayLike) -> np.ndarray:
    """p-values adjusted by Holm's step-down method (family-wise error rate).

    Source: Holm 1979, Scand J Stat 6:65.
    """

    def adjust(ordered: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))

    return _adjusted(p, adjust)


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """p-values adjusted by Benjamini and Hochberg's step-up method (false discovery rate).

    Source: Benjamini and Hochberg 1995, J R Stat Soc B 57:289.
    """

    def adjust(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * (len(ordered) / np.arange(1, len(ordered) + 1))
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(p, adjust)


def _adjusted(p: ArrayLike, adjust: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a method to the known p-values in ascending order and put them back in their places."""
    p = np.asarray(p, dtype=float)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(adjust(p[order]), 1.0)
    return adjusted
