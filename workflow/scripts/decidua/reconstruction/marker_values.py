"""Which measured values put each woman's markers on the side of the cut-offs that her subgroup says?"""

import math
from collections.abc import Sequence

import numpy as np

from decidua.markers import Marker, Panel
from decidua.reconstruction.facts import Women, markers_of

#: Free choice, not published: values lie between these multiples of their cut-off.
BELOW, ABOVE = 0.35, 2.0


def marker_values(subgroups: Sequence[str], panel: Panel, rng: np.random.Generator) -> Women:
    """A value for every marker column, in tenths, on the side of its cut-off that the subgroup says.

    An abnormal marker with several cut-offs exceeds all of them in about half of the women, else some: free.
    Lysis rises with the effector-to-target ratio, as cut-offs do.
    """
    values: Women = {column: [] for column in panel.columns}
    for subgroup in subgroups:
        for marker in panel.markers:
            for column, value in _marker_value(marker, marker.name in markers_of(subgroup), rng).items():
                values[column].append(value)
    return values


def _marker_value(marker: Marker, abnormal: bool, rng: np.random.Generator) -> dict[str, float]:
    falling = sorted(marker.cutoffs, key=lambda cutoff: -cutoff.above)
    exceeded = _exceeded(len(falling), abnormal, rng)
    while True:
        tenths = [_tenths(c.above * 10, over, rng) for c, over in zip(falling, exceeded, strict=True)]
        if all(a > b for a, b in zip(tenths, tenths[1:], strict=False)):
            return {c.column: value / 10 for c, value in zip(falling, tenths, strict=True)}


def _exceeded(n: int, abnormal: bool, rng: np.random.Generator) -> list[bool]:
    """Which of a marker's n cut-offs are exceeded."""
    if not abnormal or n == 1 or rng.random() < 0.5:
        return [abnormal] * n
    while True:
        exceeded = (rng.random(n) < 0.5).tolist()
        if any(exceeded):
            return exceeded


def _tenths(cutoff: float, over: bool, rng: np.random.Generator) -> int:
    """An integer strictly above or below a cut-off: above, the fewer the higher; below, a hump half-way."""
    if over:
        span = int(min(cutoff * ABOVE, 1000) - cutoff)
        return math.floor(cutoff) + 1 + int(rng.integers(span, size=2).min())
    low, high = int(cutoff * BELOW), math.ceil(cutoff) - 1
    return low + int(rng.integers(high - low + 1, size=2).sum()) // 2
