"""How sure is a proportion, or the difference of two?"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri

from decidua.statistics.answers import Estimate, NotEstimable


def wilson(events: ArrayLike, totals: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of proportions, without continuity correction; NaN where nobody is counted.

    Source: Wilson 1927, J Am Stat Assoc 22:209.
    """
    x, n = _counts(events, totals)
    z = ndtri((1 + confidence) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (x + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
    return np.where(x == 0, 0 * half, centre - half), np.where(x == n, 1 + 0 * half, centre + half)


def clopper_pearson(
    events: ArrayLike, totals: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The exact binomial interval of proportions; NaN where nobody is counted.

    Source: Clopper and Pearson 1934, Biometrika 26:404.
    """
    x, n = _counts(events, totals)
    tail = (1 - confidence) / 2
    nobody = np.where(n == 0, np.nan, 0.0)
    lower = np.where(x == 0, 0.0, betaincinv(np.maximum(x, 1), n - x + 1, tail))
    upper = np.where(x == n, 1.0, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail))
    return lower + nobody, upper + nobody


def newcombe(events_1: int, total_1: int, events_2: int, total_2: int, confidence: float = 0.95) -> Estimate:
    """Difference of two independent proportions, first minus second, with Newcombe's hybrid score interval.

    Raises:
        NotEstimable: a group is empty.

    Source: Newcombe 1998, Stat Med 17:873, method 10.
    """
    if not total_1 or not total_2:
        raise NotEstimable("a group has nobody in it")
    p = np.array([events_1, events_2]) / np.array([total_1, total_2])
    (l1, l2), (u1, u2) = wilson([events_1, events_2], [total_1, total_2], confidence)
    difference = p[0] - p[1]
    return Estimate(
        float(difference),
        float(difference - np.hypot(p[0] - l1, u2 - p[1])),
        float(difference + np.hypot(u1 - p[0], p[1] - l2)),
    )


def _counts(events: ArrayLike, totals: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(events, dtype=float), np.asarray(totals, dtype=float)
